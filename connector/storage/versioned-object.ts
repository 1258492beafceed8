import type { Brand } from '../runtime/brand.ts'

/** Names one stored text (an ETag, a file's number). Opaque: compared for equality, handed back as `expected`. */
export type Version = Brand<string, 'Version'>

export interface StoredText {
  readonly text: string
  readonly version: Version
}

export type WriteOutcome =
  /** Stored, by this call: also when its answer was lost and reading back found the very same text. */
  | { readonly kind: 'written'; readonly version: Version }
  /** Somebody else's text is there; that of this call is not, or no longer (an answer was lost, and others have built on it since). */
  | { readonly kind: 'conflict' }

/** One text behind compare-and-set. Every text written must be unique (it carries a nonce): that is how a lost answer is recognised. */
export interface VersionedObject {
  /** The stored text, undefined when there is none. Rejects with `storage.*`, or the reason of `finish`. */
  read(finish: AbortSignal): Promise<StoredText | undefined>
  /**
   * Stores `text` if the object is still at `expected` (null: does not exist). A conflict is a value. Rejects with `storage.*` when the
   * outcome is unknown: the write may still arrive later, so read again before anything else is written.
   */
  write(text: string, expected: Version | null, finish: AbortSignal): Promise<WriteOutcome>
}
