import type { Transaction } from 'kafkajs'
import type { Deadline } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { hasKafkaCode, type NeededAcls, publishError } from './classify-kafka-error.ts'
import { noteOffsets } from './commit-note.ts'
import type { Note, OutgoingRecord, PublisherTransaction } from './event-publisher.ts'
import { cutConnection, sendRecords } from './kafka-session.ts'
import { noticingWritten, type Written } from './kafkajs/written-partitions.ts'
import { openPartitions } from './open-partitions.ts'
import type { TransactionalSession } from './transactional-session.ts'
import { untilAborted } from './until-aborted.ts'

/** What a transaction has begun at the broker. */
interface Running {
  readonly transaction: Transaction
  /** `finish`, or our own limit, which is shorter than the broker's. */
  readonly limit: Deadline
  /** By the monotonic clock: the broker's own timeout starts about then. */
  readonly startedAt: number
  /** How long the session had sent nothing before. */
  readonly idleMs: number
  /** Where it has events. */
  readonly written: Written
}

/** A transaction of the session; nothing is sent before `send`. Any error ends the session too. */
export function kafkaTransaction(session: TransactionalSession, finish: AbortSignal): PublisherTransaction {
  let running: Running | undefined
  let sending: 'not yet' | 'now' | 'done' = 'not yet'
  let isOver = false

  const start = async (): Promise<Running> => {
    if (session.ending !== undefined) throw new ConnectorError('publish.failed', 'publish: the session is over')
    running ??= await startTransaction(session, finish)
    return running
  }
  return {
    send: async (records) => {
      if (sending !== 'not yet') throw new ConnectorError('bug', 'publish: sent twice in one transaction')
      sending = 'now'
      try {
        if (records.length > 0) await sendEvents(session, await start(), records)
      } finally {
        sending = 'done'
      }
    },
    commit: async (note) => {
      if (sending === 'now') throw new ConnectorError('bug', 'commit: the events are still being sent')
      const isFirstRequest = running === undefined
      const run = await start()
      await sendNote(session, run, { note, isFirstRequest })
      await endTransaction(session, run)
      await untilEnded(session, run, finish)
      isOver = true
      session.inFlight = undefined
      session.isInTransaction = false
      session.lastUsedAt = session.clock.monotonic()
    },
    [Symbol.asyncDispose]: async () => {
      running?.limit[Symbol.dispose]()
      if (isOver) return
      isOver = true
      session.isInTransaction = false
      if (running !== undefined) session.ending ??= abortAndCut(session)
      await session.ending
    },
  }
}

async function startTransaction(session: TransactionalSession, finish: AbortSignal): Promise<Running> {
  const transaction = session.unused ?? (await session.producer.transaction())
  session.unused = undefined
  session.inFlight = transaction
  const limit = session.clock.deadline(session.config.timeouts.commitWithinMs, finish)
  const startedAt = session.clock.monotonic()
  return { transaction, limit, startedAt, idleMs: startedAt - session.lastUsedAt, written: new Map() }
}

function sendEvents(session: TransactionalSession, run: Running, records: readonly OutgoingRecord[]): Promise<void> {
  const { transaction, written } = run
  const { topic } = session.topics.events
  return step(session, run, {
    operation: `publish ${records.length} records to ${topic}`,
    work: () => {
      session.sending = noticingWritten({ topic, written }, () => sendRecords(session, records, transaction.send))
      return session.sending
    },
  })
}

const concurrentTransactions = 51

/** The note goes alone and last: kafkajs does not retry it, and a commit after its failure would be events without a note. */
function sendNote(session: TransactionalSession, run: Running, parts: { note: Note; isFirstRequest: boolean }) {
  const { group, topic } = session.notePlace
  const offsets = noteOffsets(session.notePlace, parts.note)
  const work = async (): Promise<void> => {
    try {
      await run.transaction.sendOffsets(offsets)
    } catch (error) {
      // The markers of the transaction before are still being written; sends are retried by kafkajs in this case, this is not.
      if (!parts.isFirstRequest || !hasKafkaCode(error, concurrentTransactions)) throw error
      await session.clock.sleep(session.config.retry.firstPauseMs, run.limit.signal)
      await work()
    }
  }
  const needs = { 29: `READ on topic ${topic}`, 30: `READ on group ${group}` }
  return step(session, run, { operation: `send the note to group ${group}`, needs, work })
}

/** Runs what precedes the decision: whatever fails here, or is late, is aborted, and nothing becomes visible. */
async function step(
  session: TransactionalSession,
  run: Running,
  parts: { operation: string; needs?: NeededAcls; work: () => Promise<void> },
): Promise<void> {
  try {
    if (!run.limit.signal.aborted) await untilAborted(run.limit.signal, parts.work())
    run.limit.signal.throwIfAborted()
  } catch (error) {
    session.ending ??= abortAndCut(session)
    if (run.limit.signal.aborted)
      throw new ConnectorError('publish.failed', `${parts.operation}: not done in time`, { cause: error })
    throw fencedOrTimedOut(session, run, publishError(parts.operation, error, parts.needs))
  }
}

/** Invariant 2: the one request that decides. It is sent once; only an answer that refuses it tells that nothing became visible. */
async function endTransaction(session: TransactionalSession, run: Running): Promise<void> {
  const operation = `end the transaction of ${session.names.transactionalId}`
  try {
    await untilAnswered(session, run, run.transaction.commit())
  } catch (error) {
    cutConnection({ client: session.client, disconnect: session.producer.disconnect })
    session.ending ??= Promise.resolve()
    const coded = fencedOrTimedOut(session, run, publishError(operation, error))
    if (coded.code === 'publish.fenced') throw coded
    throw new ConnectorError('publish.outcome-unknown', `${coded.message}: not known whether it was committed`, {
      cause: error,
    })
  } finally {
    run.limit[Symbol.dispose]()
  }
}

/**
 * Waits for the end in each partition that has events. Kafka may lose one (docs/decisions/20261126-lost-ends.md), and the next abort would take
 * along what it should have shown: no other transaction may follow before. Opening the stream again finds what has no end.
 */
async function untilEnded(session: TransactionalSession, { written }: Running, finish: AbortSignal): Promise<void> {
  const { clock, identity, topics } = session
  const of = { topic: topics.events.topic, producerId: identity.producerId }
  using patience = clock.deadline(ENDED_WITHIN_MS, finish)
  try {
    for (let pauseMs = 1; ; pauseMs *= 2) {
      const open = await untilAborted(patience.signal, openPartitions(written, of))
      if (open.length === 0) return
      await clock.sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), patience.signal)
    }
  } catch (error) {
    cutConnection({ client: session.client, disconnect: session.producer.disconnect })
    session.ending ??= Promise.resolve()
    const { message } = publishError(`end the transaction of ${session.names.transactionalId}`, error)
    throw new ConnectorError('publish.outcome-unknown', `${message}: not known whether it is visible everywhere`, {
      cause: error,
    })
  }
}

/** By far more than the ends of a transaction need while nothing fails. */
const ENDED_WITHIN_MS = 5_000
const LONGEST_PAUSE_MS = 50

/** Waits until the limit and `closeMs` more, since an answer that comes saves opening the stream anew. */
async function untilAnswered(session: TransactionalSession, run: Running, answer: Promise<void>): Promise<void> {
  try {
    await untilAborted(run.limit.signal, answer)
  } catch (error) {
    if (!run.limit.signal.aborted) throw error
    using grace = session.clock.deadline(session.config.timeouts.closeMs)
    await untilAborted(grace.signal, answer)
  }
}

/**
 * Aborts, as far as that works within about `closeMs` (an open transaction blocks every reader), and cuts the connections. Never rejects.
 * What is being sent settles first: kafkajs skips the abort while no answer has told it that the transaction is open.
 */
export async function abortAndCut(session: TransactionalSession): Promise<void> {
  const { inFlight: transaction, sending, clock } = session
  const { closeMs } = session.config.timeouts
  session.inFlight = undefined
  using patience = clock.deadline(closeMs / 3)
  await untilAborted(patience.signal, sending).catch(() => undefined)
  using limit = clock.deadline(closeMs)
  if (transaction?.isActive()) await untilAborted(limit.signal, transaction.abort()).catch(() => undefined)
  cutConnection({ client: session.client, disconnect: session.producer.disconnect })
}

const unknownProducerMapping = 49
const dayMs = 24 * 60 * 60 * 1000

/** The broker says the same to a producer that was taken over, one whose transaction it timed out, and one that it forgot after a week: times tell them apart. */
function fencedOrTimedOut(session: TransactionalSession, run: Running, error: ConnectorError): ConnectorError {
  if (error.code !== 'publish.fenced') return error
  const isTimedOut = session.clock.monotonic() - run.startedAt >= session.config.timeouts.transactionMs
  const isForgotten = hasKafkaCode(error.cause, unknownProducerMapping) && run.idleMs >= dayMs
  if (!isTimedOut && !isForgotten) return error
  const why = isTimedOut ? 'the transaction timeout of the broker had passed' : 'the transactional id had expired'
  return new ConnectorError('publish.failed', `${error.message}: ${why}`, { cause: error })
}
