import type { OutgoingRecord } from '../event/client-event.ts'

/**
 * Each transaction commits such a record beside its events. It is the offset (`seq`) of a consumer group with metadata,
 * and not a message in a topic. Commit records are ordered by epoch, then by seq; two are equal only with the same
 * nonce.
 */
export interface CommitRecord extends RecordKey {
  /** The next event gets this number. */
  readonly nextEvent: number
}

/**
 * Identifies a commit record, and the state that it decides. It is not the key of a Kafka message. `epoch` is that of
 * the claim in the checkpoint document, and `seq` numbers the transactions of the stream.
 */
export interface RecordKey {
  readonly epoch: number
  readonly seq: number
  readonly nonce: string
}

export interface TopicLayout {
  readonly topic: string
  readonly partitions: number
}

/** This topic receives the events; the checkpoint belongs to it. */
export interface Destination extends TopicLayout {
  /** It is null if the brokers report no cluster id. */
  readonly clusterId: string | null
  /** The id changes when the topic is deleted and created again. */
  readonly topicId: string
}

/**
 * Holds a stream's commit record as Kafka stores it. It is `unstable` if a transaction with a commit record has no
 * marker yet. After the fence of all producers, such a transaction has lost its marker.
 */
export type FoundRecord =
  | { readonly kind: 'none' | 'unstable' }
  | { readonly kind: 'record'; readonly record: CommitRecord }

/** A producer of this stream has an open transaction in this partition. */
export interface OpenTransaction {
  readonly topic: string
  readonly partition: number
  readonly startOffset: string
  readonly producerId: string
}

/** Says how to end hanging transactions. */
export interface RepairPlan {
  readonly hangingTransactions: readonly OpenTransaction[]
  readonly outcome: 'committed' | 'aborted'
}

export interface OpenOptions {
  /**
   * Whether events may be in the topic. A missing topic is then lost (`checkpoint.topic-lost`), and never created
   * again.
   */
  readonly hasPublished: boolean
  /** The checkpoint belongs to this cluster: in another one, nothing is created or opened. Null allows any. */
  readonly clusterId: string | null
}

/** A stream without a checkpoint is opened with these options. */
export const optionsWithoutCheckpoint: OpenOptions = { hasPublished: false, clusterId: null }

/** Publishes the events of one stream to Kafka. */
export interface EventPublisher {
  /**
   * Opens a producer: fences every other producer of this stream and waits until its transaction is resolved, so the
   * commit record read afterwards is final. Rejects with `publish.*`, `checkpoint.topic-lost` or the reason of `stop`.
   */
  open(options: OpenOptions, stop: AbortSignal): Promise<StreamProducer>
}

/** Holds the state of a stream in Kafka. */
export interface KafkaState {
  readonly destination: Destination
  readonly foundRecord: FoundRecord
  readonly isTopicEmpty: boolean
  /**
   * These are the open transactions of this stream's producers, in all its topics. After the fence, those of our own id
   * are hanging.
   */
  readonly openTransactions: readonly OpenTransaction[]
}

/**
 * An open producer. Any error makes it unusable: close it and open another. Methods reject with `publish.*` or the
 * reason of the signal. The signal `finish` aborts at the deadline of the delivery or of the check; a command passes
 * its `stop` instead.
 */
export interface StreamProducer {
  readonly producerId: string
  /**
   * Reads the stream's state, including open transactions of `formerProducerId`. Rejects also with
   * `checkpoint.unknown-format`.
   */
  readKafkaState(of: { readonly formerProducerId: string | null }, stop: AbortSignal): Promise<KafkaState>
  /**
   * Ends the hanging transactions of our own producer id. Resolves once the brokers confirm the result. A rejection
   * makes the producer unusable; the next opening finds what is still to repair.
   */
  repairTransactions(plan: RepairPlan, stop: AbortSignal): Promise<void>
  /** Begins the next transaction, and sends nothing yet. Only one may be open at a time. */
  begin(finish: AbortSignal): PublisherTransaction
  /**
   * Begins and aborts an empty transaction. Rejects with `publish.fenced` if another producer was opened since: its
   * opening may have aborted what this one has committed, where a marker was lost.
   */
  mustNotBeFenced(finish: AbortSignal): Promise<void>
  /**
   * Rejects with `publish.failed` if the events topic was deleted and created again, which the next opening judges.
   * Asks the brokers every five minutes at most, and resolves if they do not answer.
   */
  mustHaveItsTopic(finish: AbortSignal): Promise<void>
  /** Closes the connections within a bounded time. Never rejects. */
  close(): Promise<void>
}

/**
 * Events and commit record become visible together or not at all. Unless committed, disposal aborts in bounded time.
 */
export interface PublisherTransaction extends AsyncDisposable {
  /** Resolves once every record is stored in the open transaction. Only one call may run at a time. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /**
   * Resolves once events and commit record are visible. Rejects with `publish.outcome-unknown` if no response confirms
   * that. Without a record (null), the events belong to no state of the stream.
   */
  commit(record: CommitRecord | null): Promise<void>
}

/** The names that a stream uses at the brokers; `docs/security.md` lists their ACLs. */
export interface StreamNames {
  readonly clientId: string
  readonly transactionalId: string
  /** An offset of this group is the commit record. The group never has members. */
  readonly recordGroup: string
}

/** Connector and stream names match `[a-z0-9-]+`, so the dot keeps the names of two streams distinct. */
export function streamNames(connector: string, stream: string): StreamNames {
  const name = `${connector}.${stream}`
  return { clientId: name, transactionalId: name, recordGroup: name }
}
