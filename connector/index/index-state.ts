import { ENTRY_BYTES, entryBytes, entryWords } from './index-entry.ts'

/** A stored segment, or a part of one of several objects, as the checkpoint names it. */
export interface SegmentReference {
  readonly name: string
  /** 0: what left the document. Above: as many of the tier below as became one. `base`: the whole index. */
  readonly tier: number | 'base'
  /** It has the entries with event numbers from `from` to below `to`, and all whose content was unknown. */
  readonly from: number
  readonly to: number
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

export function deltaText(words: Uint32Array): string {
  return entryBytes(words).toString('base64')
}

export function deltaWords(delta: string): Uint32Array {
  return entryWords(Buffer.from(delta, 'base64'))
}

export function deltaEntries(delta: string): number {
  return Buffer.byteLength(delta, 'base64') / ENTRY_BYTES
}

/** The entries of both, in base64. */
export function joinedDelta(first: string, second: string): string {
  if (first === '' || second === '') return first + second
  return Buffer.concat([Buffer.from(first, 'base64'), Buffer.from(second, 'base64')]).toString('base64')
}

export function withEntries(state: IndexState, entries: string): IndexState {
  return entries === '' ? state : { ...state, delta: joinedDelta(state.delta, entries) }
}
