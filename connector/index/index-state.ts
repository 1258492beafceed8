import { ENTRY_BYTES, entryBytes, entryWords } from './index-entry.ts'

/** A stored segment, as the checkpoint names it. */
export interface SegmentReference {
  readonly name: string
  /** 0: a delta that left the document. Above: merged segments of the tier below. `base`: the whole index, when written. */
  readonly tier: number | 'base'
  readonly entries: number
  /** Of its bytes, base64url. */
  readonly sha256: string
}

/** The client index as the checkpoint document holds it. */
export interface IndexState {
  /** Counts how often the index was created again; stands for the previous event of a client without an entry. */
  readonly generation: number
  /** Oldest first; a newer one wins. */
  readonly segments: readonly SegmentReference[]
  /** What is newer than all segments: stored entries in base64, the last one of a client wins. */
  readonly delta: string
}

export const emptyIndex: IndexState = { generation: 0, segments: [], delta: '' }

/** Characters of an entry in the delta, without padding: the texts of deltas may be joined. */
const ENTRY_CHARACTERS = (ENTRY_BYTES / 3) * 4

export function deltaText(words: Uint32Array): string {
  return entryBytes(words).toString('base64')
}

export function deltaWords(delta: string): Uint32Array {
  return entryWords(Buffer.from(delta, 'base64'))
}

export function deltaEntries(delta: string): number {
  return delta.length / ENTRY_CHARACTERS
}

export function withEntries(state: IndexState, entries: string): IndexState {
  return entries === '' ? state : { ...state, delta: state.delta + entries }
}
