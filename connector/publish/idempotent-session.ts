import { ConnectorError } from '../runtime/connector-error.ts'
import { publishError } from './classify-kafka-error.ts'
import type { PublisherSession, PublisherTransaction } from './event-publisher.ts'
import {
  cutConnection,
  destinationOf,
  endConnection,
  neverFenced,
  type OpenProducer,
  openProducer,
  openTopics,
  type SessionParts,
  sendRecords,
} from './kafka-session.ts'
import { readNoteIfAllowed } from './read-note.ts'
import type { Topics } from './topics.ts'
import { untilAborted } from './until-aborted.ts'

interface IdempotentSession extends SessionParts, OpenProducer {
  readonly topics: Topics
  isInTransaction: boolean
  /** Set once the session is over: after an error kafkajs may take new records for old ones. */
  ending: Promise<void> | undefined
}

/** Opens at-least-once: an idempotent producer without transactions, all acks. It fences nobody and commits no note. */
export async function openIdempotentSession(parts: SessionParts, stop: AbortSignal): Promise<PublisherSession> {
  const topics = await openTopics(parts, stop)
  try {
    const opened = await openProducer(parts, { idempotent: true, start: async () => undefined }, stop)
    return sessionOf({ ...parts, ...opened, topics, isInTransaction: false, ending: undefined })
  } catch (error) {
    stop.throwIfAborted()
    throw neverFenced(publishError('open an idempotent producer', error, { 31: 'IDEMPOTENT_WRITE on the cluster' }))
  }
}

function sessionOf(session: IdempotentSession): PublisherSession {
  return {
    destination: destinationOf(session.topics),
    // An exactly-once session may have left one, when the setting was changed.
    readNote: (stop) =>
      readNoteIfAllowed(session, { group: session.names.noteGroup, topic: session.topics.events.topic }, stop),
    lookBack: async () => new Map(),
    settle: async () => {},
    begin: (finish) => {
      if (session.ending !== undefined) throw new ConnectorError('bug', 'begin: the session is over')
      if (session.isInTransaction) throw new ConnectorError('bug', 'begin: another one is open')
      session.isInTransaction = true
      return idempotentBatch(session, finish)
    },
    close: () => {
      session.ending ??= endConnection(session, { client: session.client, disconnect: session.producer.disconnect })
      return session.ending
    },
  }
}

/** Records are in the topic as soon as `send` resolves; `commit` adds nothing, and disposing takes nothing back. */
function idempotentBatch(session: IdempotentSession, finish: AbortSignal): PublisherTransaction {
  const { clock, config } = session
  let isSent = false
  return {
    send: async (records) => {
      if (session.ending !== undefined) throw new ConnectorError('publish.failed', 'publish: the session is over')
      using limit = clock.deadline(config.timeouts.commitWithinMs, finish)
      try {
        limit.signal.throwIfAborted()
        await untilAborted(limit.signal, sendRecords(session, records, session.producer.send))
        isSent = true
      } catch (error) {
        cutConnection({ client: session.client, disconnect: session.producer.disconnect })
        session.ending ??= Promise.resolve()
        const operation = `publish ${records.length} records to ${config.topic.events}`
        if (limit.signal.aborted)
          throw new ConnectorError('publish.failed', `${operation}: not done in time`, { cause: error })
        throw neverFenced(publishError(operation, error))
      }
    },
    commit: async () => {
      if (!isSent) throw new ConnectorError('publish.failed', 'commit: the events are not all in the topic')
    },
    [Symbol.asyncDispose]: async () => {
      session.isInTransaction = false
    },
  }
}
