import type { Transaction } from 'kafkajs'
import { ConnectorError } from '../runtime/connector-error.ts'
import { publishError } from './classify-kafka-error.ts'
import type { NotePlace } from './commit-note.ts'
import type { PublisherSession } from './event-publisher.ts'
import {
  destinationOf,
  endConnection,
  type OpenProducer,
  openProducer,
  openTopics,
  type SessionParts,
} from './kafka-session.ts'
import { abortAndCut, kafkaTransaction } from './kafka-transaction.ts'
import type { CoordinatorFinder } from './kafkajs/kafka-cluster.ts'
import { type ProducerIdentity, withIdentity } from './kafkajs/producer-identity.ts'
import { readNote } from './read-note.ts'
import { settle } from './settle.ts'
import { readSightings } from './sightings.ts'
import type { Topics } from './topics.ts'

/** One producer with one epoch. It ends with the first error: kafkajs loses or doubles records when it is used again. */
export interface TransactionalSession extends SessionParts, OpenProducer {
  readonly topics: Topics
  readonly notePlace: NotePlace
  readonly identity: ProducerIdentity
  /** Who gave it. */
  readonly coordinator: CoordinatorFinder
  /** The transaction that kafkajs has begun (a local matter) and that nothing was sent in yet. */
  unused: Transaction | undefined
  isInTransaction: boolean
  /** When Kafka last heard of its transactional id, by the monotonic clock. */
  lastUsedAt: number
  /** The transaction in which something may have been sent. */
  inFlight: Transaction | undefined
  /** Settles when nothing of it is under way. */
  sending: Promise<void>
  /** Set once the session is over; resolves when its connections are freed. */
  ending: Promise<void> | undefined
}

/** Opens exactly-once: InitProducerId fences every other session of this transactional id and ends its transaction. */
export async function openTransactionalSession(parts: SessionParts, stop: AbortSignal): Promise<PublisherSession> {
  const { config, names } = parts
  const topics = await openTopics(parts, stop)
  try {
    const transactionTimeout = config.timeouts.transactionMs
    // Not `idempotent`: it adds an InitProducerId of its own, and `transaction` forces idempotence and all acks anyway.
    const { started, ...opened } = await openProducer(
      parts,
      {
        transactionalId: names.transactionalId,
        transactionTimeout,
        start: (producer) => withIdentity(() => producer.transaction()),
      },
      stop,
    )
    const notePlace = { group: names.noteGroup, topic: topics.events.topic }
    return sessionOf({
      ...parts,
      ...opened,
      topics,
      notePlace,
      identity: started.identity,
      coordinator: started.coordinator,
      unused: started.result,
      isInTransaction: false,
      lastUsedAt: parts.clock.monotonic(),
      inFlight: undefined,
      sending: Promise.resolve(),
      ending: undefined,
    })
  } catch (error) {
    stop.throwIfAborted()
    const needs = { 53: `WRITE on transactional id ${names.transactionalId}` }
    throw publishError(`open transactional id ${names.transactionalId}`, error, needs)
  }
}

function sessionOf(session: TransactionalSession): PublisherSession {
  const connection = { client: session.client, disconnect: session.producer.disconnect }
  return {
    destination: destinationOf(session.topics),
    readNote: (stop) => readNote(session, session.notePlace, stop, session.coordinator),
    lookBack: (of, stop) => readSightings(session, { ...of, topic: session.topics.events }, stop),
    settle: (settlement, stop) => settle(session, settlement, stop),
    begin: (finish) => {
      if (session.ending !== undefined) throw new ConnectorError('bug', 'begin a transaction: the session is over')
      if (session.isInTransaction) throw new ConnectorError('bug', 'begin a transaction: another one is open')
      session.isInTransaction = true
      return kafkaTransaction(session, finish)
    },
    close: () => {
      session.ending ??= session.inFlight === undefined ? endConnection(session, connection) : abortAndCut(session)
      return session.ending
    },
  }
}
