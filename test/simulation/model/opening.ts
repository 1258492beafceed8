import type { ValidState } from '../../../connector/checkpoint/valid-state.ts'
import { DAY_MS } from '../../../connector/runtime/clock.ts'
import { documentOfClaim } from './document.ts'
import { fenced, foundIn, losses, marked } from './kafka.ts'
import { type Context, clockOf, idle, mayPut, type Step, step, write } from './step.ts'
import { clearable, cleared, waitingRewind } from './wishes.ts'
import { type Replica, versionOf, type World } from './world.ts'

export const FALSE_HOLD = 'a stream is held without need'

/** The next step of an opening, in the order of the protocol. */
export function continueOpening(context: Context): Step[] {
  const { world, replica, protocol } = context
  const { opened } = replica
  const next: Partial<Replica> = { opened: opened + 1 }
  switch (protocol.opening[opened]) {
    case 'document':
      return [
        step(context, 'reads the document', {
          ...replica,
          ...next,
          document: world.document,
          version: versionOf(world),
        }),
      ]
    case 'wishes':
      return [readWishes(context, { ...replica, ...next, wishes: world.wishes })]
    case 'fence':
      return losses(world).map((lost) => {
        const producer = context.fresh('p')
        const { kafka, ...rest } =
          protocol.initProducerId === 'does nothing' ? world : fenced(world, producer, lost, context.bounds)
        const after: World = { ...rest, kafka: { ...kafka, producer } }
        return step(
          context,
          `fences the others${lost === 'none' ? '' : `, losing a marker (${lost})`}`,
          { ...replica, ...next, producer },
          after,
        )
      })
    case 'record': {
      const { kafka } = world
      return [
        step(context, 'reads the commit record', {
          ...replica,
          ...next,
          foundRecord: foundIn(kafka),
          seesHanging: kafka.hanging.length > 0,
        }),
      ]
    }
    default:
      return [conclude(context)]
  }
}

function readWishes(context: Context, replica: Replica): Step {
  const { protocol } = context
  const { document, wishes } = replica
  const reading = { ...context, replica }
  if (protocol.wishes === 'not seen') return step(context, 'reads no wishes', { ...replica, wishes: undefined })
  const isSettled = document === undefined || (!document.hasOwner && document.pending === null)
  if (wishes?.paused && isSettled && waitingRewind(document, wishes) === undefined)
    return step(context, 'finds the stream paused', { ...replica, phase: 'paused' })
  const clears = clearable(reading) || (protocol.clearing === 'before the claim' && wishes?.rewind !== undefined)
  return step(context, 'reads the wishes', replica, clears ? cleared(reading) : context.world)
}

function resolutionOf(context: Context): ValidState {
  const { world, replica, protocol } = context
  const { document, foundRecord } = replica
  if (foundRecord === undefined) throw new Error('the commit record was not read')
  const { topic, isEmpty } = world.kafka
  if (protocol.topic === 'compared by id' && document !== undefined && document.topic !== topic)
    return { kind: 'hold', code: 'checkpoint.damaged', why: 'another topic' } as const
  return protocol.validState(document, { foundRecord, mayBegin: isEmpty, now: clockOf(context) })
}

/** Repairs lost markers, claims the valid state, or holds the stream, each after reading the document again. */
function conclude(context: Context): Step {
  const { replica, world } = context
  const next = claim(context)
  if (next === undefined) return step(context, 'cannot open the stream', { phase: 'checking' })
  if (replica.seesHanging && context.protocol.hanging !== 'left to the next marker')
    return step(context, 'finds hanging transactions', { phase: 'repairing' })
  if (!mayPut(context)) return step(context, 'gives up', idle(replica), world)
  return next
}

/** The claim of the valid state; undefined: the stream is held. */
function claim(context: Context): Step | undefined {
  const { world, replica, fresh, protocol, bounds } = context
  const { document, wishes, foundRecord = { kind: 'none' } } = replica
  const valid = resolutionOf(context)
  const seconds = 1_000 * (1 + bounds.documentFaults - world.left.documentFaults)
  const at = clockOf(context)
  const nonce = fresh('n')
  const { topic } = world.kafka
  const next = documentOfClaim({
    document,
    wishes,
    foundRecord,
    valid,
    topic,
    seconds,
    protocol,
    nonce,
    at,
  })
  if (next === undefined) return undefined
  const rewind = valid.kind === 'hold' ? waitingRewind(document, wishes) : undefined
  const cure = rewind && { rewind, repeats: next.repeats ?? 0 }
  const what = `claims: ${valid.kind}${rewind === undefined ? '' : ', cured'}`
  return write(context, what, { purpose: 'claim', document: next.document, cure })
}

/** The document is still the one that was read: the stream is held. */
export function concludeOpening(context: Context): Step {
  const { world, bounds, replica } = context
  const pending = replica.document?.pending
  const isOld = pending != null && clockOf(context) - pending.at >= DAY_MS
  const isFalse = bounds.falseHolds === 'are violations' && !world.isDisturbed && !isOld
  return step(context, 'holds the stream', { phase: 'held' }, isFalse ? { ...world, violation: FALSE_HOLD } : world)
}

/** Completes what lost its marker in the events topic: it commits if `pending` is valid, else it aborts. */
export function repair(context: Context): Step[] {
  const { world, replica, protocol, bounds } = context
  if (replica.producer !== world.kafka.producer) return [step(context, 'finds that it is fenced', idle(replica))]
  const commits = resolutionOf(context).kind === 'pending' && protocol.hanging !== 'always aborted'
  const as = commits ? 'committed' : 'aborted'
  const outcomes = world.left.lostMarkers > 0 ? [false, true] : [false]
  return outcomes.map((isLost) => {
    const { lostMarkers } = world.left
    const left = { ...world.left, lostMarkers: isLost ? lostMarkers - 1 : lostMarkers }
    const after = marked({ ...world, left }, world.kafka.hanging, { as, isLost }, bounds)
    if (isLost) return step(context, 'repairs, but a marker is lost again', idle(replica), after)
    return step(context, 'completes what hangs', { phase: 'opening', seesHanging: false }, after)
  })
}
