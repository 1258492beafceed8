import type { OutgoingRecord } from '../event/client-event.ts'

/**
 * Committed by each transaction beside its events: a group offset (`seq`) and its metadata. Ordered by epoch, then seq;
 * two records are equal only with the same nonce.
 */
export interface CommitRecord extends RecordKey {
  /** The number of the next event. */
  readonly nextEvent: number
}

/** Identifies a commit record, and the state that it decides. */
export interface RecordKey {
  readonly epoch: number
  readonly seq: number
  readonly nonce: string
}

export interface TopicLayout {
  readonly topic: string
  readonly partitions: number
}

/** The topic that receives the events; part of the checkpoint's identity. */
export interface Destination extends TopicLayout {
  /** Null if the brokers report no cluster id. */
  readonly clusterId: string | null
  /** Changes when the topic is deleted and created again. */
  readonly topicId: string
}

/**
 * A stream's commit record as Kafka stores it. `unstable`: a transaction with a record has no marker yet; once all
 * producers are fenced, it has lost it.
 */
export type FoundRecord =
  | { readonly kind: 'none' | 'unstable' }
  | { readonly kind: 'record'; readonly record: CommitRecord }

/** A partition in which a producer of this stream has an open transaction. */
export interface OpenTransaction {
  readonly topic: string
  readonly partition: number
  readonly startOffset: string
  readonly producerId: string
}

/** How to end hanging transactions. */
export interface RepairPlan {
  readonly hanging: readonly OpenTransaction[]
  readonly as: 'committed' | 'aborted'
}

export interface OpenOptions {
  /** Whether events may be in the topic: then a missing one is lost (`checkpoint.topic-lost`), never recreated. */
  readonly hasPublished: boolean
  /** The cluster of the checkpoint: in another one, nothing is created or opened. Null: any. */
  readonly clusterId: string | null
}

/** How a stream without a checkpoint is opened. */
export const optionsWithoutCheckpoint: OpenOptions = { hasPublished: false, clusterId: null }

/** Publishes the events of one stream to Kafka. */
export interface EventPublisher {
  /**
   * Opens a producer: fences every other producer of this stream and waits until its transaction is resolved, so the
   * commit record read afterwards is final. Rejects with `publish.*`, `checkpoint.topic-lost` or the reason of `stop`.
   */
  open(options: OpenOptions, stop: AbortSignal): Promise<StreamProducer>
}

/** A stream's state in Kafka. */
export interface KafkaState {
  readonly destination: Destination
  readonly found: FoundRecord
  readonly isEmpty: boolean
  /** Open transactions of this stream's producers, in all its topics. After the fence, those of our own id are hanging. */
  readonly open: readonly OpenTransaction[]
}

/**
 * An open producer. Any error makes it unusable: close it and open another. Methods reject with `publish.*` or the
 * reason of `stop`.
 */
export interface StreamProducer {
  readonly producerId: string
  /**
   * Reads the stream's state, including open transactions of `formerProducerId`. Rejects also with
   * `checkpoint.unknown-format`.
   */
  readKafkaState(of: { readonly formerProducerId: string | null }, stop: AbortSignal): Promise<KafkaState>
  /**
   * Ends the hanging transactions of our own producer id. Resolves once the brokers confirm the result. A rejection makes the producer unusable; the next opening finds what is still to repair.
   */
  repairTransactions(plan: RepairPlan, stop: AbortSignal): Promise<void>
  /** Begins the next transaction; only one may be open at a time. Sends nothing yet. */
  begin(finish: AbortSignal): PublisherTransaction
  /**
   * Begins and aborts an empty transaction. Rejects with `publish.fenced` if another producer was opened since: its opening
   * may have aborted what this one has committed, where a marker was lost.
   */
  mustNotBeFenced(finish: AbortSignal): Promise<void>
  /**
   * Rejects with `publish.failed` if the events topic was deleted and created again, which the next opening judges. Asks
   * the brokers every five minutes at most, and resolves if they do not answer.
   */
  mustHaveItsTopic(finish: AbortSignal): Promise<void>
  /** Closes the connections within a bounded time. Never rejects. */
  close(): Promise<void>
}

/**
 * Events and commit record become visible together or not at all. Unless committed, disposal aborts in bounded time.
 */
export interface PublisherTransaction extends AsyncDisposable {
  /** Resolves once every record is stored in the open transaction. One call at a time. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /**
   * Resolves once events and commit record are visible; `publish.outcome-unknown` if no response confirms that. Null: the
   * events belong to no state of the stream.
   */
  commit(record: CommitRecord | null): Promise<void>
}

/** The names that a stream uses at the brokers; `docs/security.md` lists their ACLs. */
export interface StreamNames {
  readonly clientId: string
  readonly transactionalId: string
  /** The group whose offset is the commit record. It never has members. */
  readonly recordGroup: string
}

/** Connector and stream names match `[a-z0-9-]+`, so the dot keeps the names of two streams distinct. */
export function streamNames(connector: string, stream: string): StreamNames {
  const name = `${connector}.${stream}`
  return { clientId: name, transactionalId: name, recordGroup: name }
}
