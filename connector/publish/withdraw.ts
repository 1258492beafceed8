import { ConnectorError } from '../runtime/connector-error.ts'
import { publishError } from './classify-kafka-error.ts'
import { abortAndCut } from './kafka-transaction.ts'
import type { TransactionalSession } from './transactional-session.ts'
import { readUndecided } from './undecided-records.ts'
import { untilAborted } from './until-aborted.ts'

/** See the port. The session is this stream's only one: what is open in the topic under its producer id, nobody else can end. */
export async function withdraw(
  session: TransactionalSession,
  isUndecided: (value: string) => boolean,
  stop: AbortSignal,
): Promise<void> {
  const { topic } = session.topics.events
  const undecided = await readUndecided(session, session.topics.events, stop)
  const partitions = undecided.filter(({ values }) => values.some(isUndecided)).map(({ partition }) => partition)
  if (partitions.length === 0) return
  const operation = `withdraw what a transaction without an end holds in ${partitions.length} partitions of ${topic}`
  try {
    await abortIn(session, partitions, stop)
  } catch (error) {
    stop.throwIfAborted()
    throw publishError(operation, error)
  }
  throw new ConnectorError('publish.failed', `${operation}: done, the stream is opened again`)
}

/** The end of a transaction ends all that its producer id has open in the partitions that it wrote to: this one writes a record to each, and is aborted. */
async function abortIn(session: TransactionalSession, partitions: readonly number[], stop: AbortSignal): Promise<void> {
  const { config, clock, topics } = session
  const transaction = session.unused ?? (await session.producer.transaction())
  session.unused = undefined
  session.inFlight = transaction
  using limit = clock.deadline(config.timeouts.commitWithinMs, stop)
  try {
    for (const partition of partitions) {
      const messages = [{ partition, key: '', value: null }]
      const record = { topic: topics.events.topic, messages, acks: -1, timeout: config.timeouts.requestMs }
      session.sending = transaction.send(record).then(() => undefined)
      await untilAborted(limit.signal, session.sending)
    }
  } finally {
    session.ending ??= abortAndCut(session)
    await session.ending
  }
}
