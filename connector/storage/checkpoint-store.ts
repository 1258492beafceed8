import type { Clock } from '../runtime/clock.ts'
import type { Brand } from '../runtime/compiler-checks.ts'

/** Identifies one stored text (an ETag, a file number). Opaque: compared for equality and passed as `expected`. */
export type Version = Brand<string, 'Version'>

export interface StoredText {
  readonly text: string
  readonly version: Version
}

export type WriteOutcome =
  /** This call stored the text. If the response was lost, reading back found the same text. */
  | { readonly kind: 'written'; readonly version: Version }
  /**
   * The object holds the text of another writer. After a lost response, the text of this call may have been stored and
   * replaced since.
   */
  | { readonly kind: 'conflict' }

/**
 * One text with compare-and-set. Every text written must be unique (include a nonce): after a lost response, reading
 * back recognises the write by its text.
 */
export interface VersionedObject {
  /** Reads the stored text; undefined if there is none. Rejects with `storage.*`, or with the reason of `finish`. */
  read(finish: AbortSignal): Promise<StoredText | undefined>
  /**
   * Stores `text` if the object is still at `expected` (null: does not exist). Rejects with `storage.*` if the outcome
   * is unknown: the write may still arrive, so read again before writing anything else. Rejects with the reason of
   * `finish` when it aborts.
   */
  write(text: string, expected: Version | null, finish: AbortSignal): Promise<WriteOutcome>
}

/** The longest segment. */
export const MAX_SEGMENT_BYTES = 8 * 1024 * 1024

/** The segments of one stream's client index. They are never changed: a name always stands for the same bytes. */
export interface SegmentStore {
  /**
   * Stores a segment; again with the same bytes, where an answer was lost. Rejects with `storage.*`, or the reason of
   * `finish`.
   */
  put(name: string, bytes: Uint8Array, finish: AbortSignal): Promise<void>
  /** Reads a segment, whose bytes the caller may change or free; undefined where there is none. Rejects like `put`. */
  get(name: string, finish: AbortSignal): Promise<Uint8Array | undefined>
  /** Lists the names of all segments. Rejects like `put`. */
  list(finish: AbortSignal): Promise<readonly string[]>
  /** Deletes a segment; also where it is gone already. Rejects like `put`. */
  remove(name: string, finish: AbortSignal): Promise<void>
}

/** The versioned objects of all streams, and their segments. */
export interface CheckpointStore {
  /** Returns the object with this key, see `checkpointKey`. Makes no request. */
  object(key: string): VersionedObject
  /** Returns the segments of the stream whose object has this key. Makes no request. */
  segments(key: string): SegmentStore
  /**
   * Tests by writing whether the store fulfils the contract of `VersionedObject`; leaves at most one small object
   * behind. Rejects with `storage.no-conditional-writes` if it does not, with `storage.refused` or
   * `storage.unavailable` if the test cannot be completed, or with the reason of `stop`.
   */
  probe(stop: AbortSignal): Promise<void>
  /** Closes all connections. Make no call afterwards. */
  close(): void
}

export interface StoreParts {
  readonly clock: Clock
  /** Called for every failure that is retried within the same call. */
  readonly onRetry: (error: unknown, attempt: number) => void
}
