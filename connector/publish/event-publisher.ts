/** One record for Kafka. `events` and `deadLetters` are the two topics of a stream. */
export interface OutgoingRecord {
  readonly to: 'events' | 'deadLetters'
  /** Client id; null for a dead letter without one. Decides the partition (Java-compatible murmur2). */
  readonly key: string | null
  /** JSON text. */
  readonly value: string
}

/** What a transaction commits beside its events: the group offset (`seq`) and its metadata. Compared by epoch, then seq; equal = same nonce. */
export interface Note {
  readonly epoch: number
  readonly seq: number
  readonly nonce: string
}

/** Where the events go; part of the checkpoint's identity. */
export interface Destination {
  readonly clusterId: string
  readonly topic: string
  readonly partitions: number
}

/** What a record in the events topic is to a stream. `foreign`: none of its events. */
export type Fate = 'decided' | 'undecided' | 'foreign'

/** The way to Kafka for one stream. */
export interface EventPublisher {
  /**
   * Opens a session. Exactly-once: fences every other session of this stream and waits until its transaction is resolved, so that
   * the note read afterwards is final. Rejects with `publish.*`, or with the reason of `stop`.
   */
  open(stop: AbortSignal): Promise<PublisherSession>
}

/** One open producer. After any error it is dead: close it and open another. */
export interface PublisherSession {
  readonly destination: Destination
  /** The last committed note of this stream; undefined when Kafka has none. At-least-once: what an exactly-once session left, if the cluster lets it be read. */
  readNote(stop: AbortSignal): Promise<Note | undefined>
  /**
   * Makes sure that every event that is decided is visible, and that none that is not can become so, whatever the next transaction comes to:
   * Kafka may have lost the end of one (docs/decisions/20261126-lost-ends.md). Rejects with `publish.failed` once something was ended, after
   * which the session is over; with `publish.ends-lost` where only an operator can; else with `publish.*`, or the reason of `stop`. At-least-once: nothing to do.
   */
  settle(fateOf: (value: string) => Fate, stop: AbortSignal): Promise<void>
  /** Starts the next transaction; there is never more than one. Nothing is sent yet. */
  begin(finish: AbortSignal): PublisherTransaction
  /** Frees the connections within a bounded time; never rejects. */
  close(): Promise<void>
}

/** Events and note that become visible together, or not at all. Disposing it aborts unless committed, within a bounded time. */
export interface PublisherTransaction extends AsyncDisposable {
  /** Resolves when every record is known to be stored in the open transaction. At-least-once: in the topic. Call once. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** Ends the transaction: resolves when events and note are decided. `publish.outcome-unknown` when no answer tells. */
  commit(note: Note): Promise<void>
}
