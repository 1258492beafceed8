import type { Admin } from 'kafkajs'
import { publishError } from '../publish/classify-kafka-error.ts'
import { type AdminParts, cutConnection, endConnection, neverFenced, withAdmin } from '../publish/kafka-session.ts'
import { ensureTopic } from '../publish/topics.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { runSlotConsumer, type SlotConsumerParts, slotConsumer } from './slot-consumer.ts'

export type MemberParts = AdminParts &
  SlotConsumerParts & {
    /** Called at every turn of the watch, about as often as a heartbeat is sent. */
    readonly onTurn: () => void
  }

/**
 * One membership from joining to its end: resolves once `stop` has aborted and the group was left, which takes `leaveWithinMs` at most;
 * rejects with `publish.*` when the membership broke. Nothing of it remains in either case.
 */
export async function beMember(parts: MemberParts, stop: AbortSignal): Promise<void> {
  await openSlots(parts, stop)
  const over = new AbortController()
  const listeners = listenersUntil(over, parts)
  const client = parts.connect()
  const consumer = slotConsumer(client.kafka, { ...parts, on: listeners }, (error) => over.abort(error))
  const running = runSlotConsumer(consumer, parts.topic)
  running.catch((error) => over.abort(error))
  watchSilence(parts, listeners, over.signal).catch((error) => over.abort(error))
  const reason = await untilOver(over, stop)

  if (stop.aborted) {
    const { timeouts } = parts.config
    const leaving = { ...parts, config: { timeouts: { ...timeouts, closeMs: parts.settings.leaveWithinMs } } }
    // Leaving before it has joined would leave a ghost in the group for a session.
    const disconnect = () => running.catch(() => undefined).then(() => consumer.disconnect())
    await endConnection(leaving, { client, disconnect })
  } else {
    cutConnection({ client, disconnect: consumer.disconnect })
    throw memberError(parts, reason)
  }
}

/** Sees to the topic of the slots, which is created where needed and allowed. */
async function openSlots(parts: MemberParts, stop: AbortSignal): Promise<void> {
  const { topic, settings, clock } = parts
  const work = (admin: Admin) =>
    ensureTopic(admin, { topic, create: settings.create, acl: 'DESCRIBE' }, { clock, stop })
  await withAdmin(parts, { operation: `open topic ${topic}`, work }, stop)
}

function memberError({ group, topic }: MemberParts, reason: unknown): ConnectorError {
  const needs = { 29: `DESCRIBE on topic ${topic}`, 30: `READ on group ${group}` }
  return neverFenced(publishError(`join group ${group}`, reason, needs))
}

/** The listeners of `parts` until the membership is over: kafkajs goes on for a while after its connections are cut. */
function listenersUntil(over: AbortController, { on }: MemberParts) {
  let heard = 0
  const whileMember =
    <Words extends unknown[]>(listener: (...words: Words) => void) =>
    (...words: Words) => {
      heard += 1
      if (!over.signal.aborted) listener(...words)
    }
  return {
    joined: whileMember(on.joined),
    heard: whileMember(on.heard),
    seen: whileMember(on.seen),
    rebalancing: whileMember(on.rebalancing),
    /** How often the group has answered. */
    count: () => heard,
  }
}

/**
 * Rejects once the group has not answered for as long as a session and a rebalance may take: the connections may be dead without anybody
 * saying so. Counts its own turns, so that a process that was stalled has the same time to hear of the group.
 */
async function watchSilence(
  { clock, settings, onTurn }: MemberParts,
  listeners: { count: () => number },
  over: AbortSignal,
): Promise<void> {
  const { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs } = settings
  let heard = listeners.count()
  for (let silentTurns = 0; silentTurns * heartbeatMs <= sessionTimeoutMs + rebalanceTimeoutMs; silentTurns += 1) {
    await clock.sleep(heartbeatMs, over)
    if (heard !== listeners.count()) {
      heard = listeners.count()
      silentTurns = 0
    }
    onTurn()
  }
  throw new ConnectorError(
    'publish.unreachable',
    'the group has not answered for longer than a session and a rebalance',
  )
}

/** Waits for the end and says why. */
function untilOver(over: AbortController, stop: AbortSignal): Promise<unknown> {
  const either = AbortSignal.any([over.signal, stop])
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const end = () => {
    over.abort(either.reason)
    resolve(either.reason)
  }
  if (either.aborted) end()
  else either.addEventListener('abort', end, { once: true })
  return promise
}
