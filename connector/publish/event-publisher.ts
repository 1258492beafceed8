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

/** What Kafka has of a stream's decisions. */
export interface FoundNote {
  /** The last one that is committed; undefined when Kafka has none. */
  readonly note: Note | undefined
  /** Whether another one is stored whose transaction has no end: once everybody else is fenced, Kafka has lost it. */
  readonly isHanging: boolean
}

/** What an event says about the truth: of the state that the document holds as committed, it is the last; or it is of what is pending. */
export type Mark = 'last of committed' | 'of pending'

/** Where to look for events, and for which. */
export interface LookBack {
  /** ms since 1970: the oldest time that a record may have. */
  readonly since: number
  readonly markOf: (value: string) => Mark | undefined
}

/** The marks that were met; `hanging`: only on events whose transaction has no end. */
export type Sightings = ReadonlyMap<Mark, 'visible' | 'hanging'>

/** What the truth asks of Kafka before anything is published. */
export interface Settlement {
  readonly fateOf: (value: string) => Fate
  /** The note that Kafka has to be given anew; null: the one that hangs is dropped; undefined: it is as it should be. */
  readonly note?: Note | null | undefined
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
  /** The last committed note of this stream. At-least-once: what an exactly-once session left, if the cluster lets it be read. */
  readNote(stop: AbortSignal): Promise<FoundNote>
  /** Reads the events topic again, where the note does not tell. At-least-once: nothing is final, nothing is met. */
  lookBack(of: LookBack, stop: AbortSignal): Promise<Sightings>
  /**
   * Makes sure that every event that is decided is visible, with its note, and that none that is not can become so, whatever the next
   * transaction comes to: Kafka may have lost the end of one (docs/decisions/20261126-lost-ends.md). Rejects with `publish.failed` once something was ended, after
   * which the session is over; with `publish.ends-lost` where only an operator can; else with `publish.*`, or the reason of `stop`. At-least-once: nothing to do.
   */
  settle(settlement: Settlement, stop: AbortSignal): Promise<void>
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
