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
  /** The content of entries with a smaller event number counts as unknown. */
  readonly contentsFrom: number
  /** The rules under which contents were hashed, by the number in the entries. */
  readonly rules: readonly string[]
  /** Oldest first; a newer one wins. */
  readonly segments: readonly SegmentReference[]
  /** What is newer than all segments: stored entries in base64, the last one of a client wins. */
  readonly delta: string
}

export const emptyIndex: IndexState = { generation: 0, contentsFrom: 0, rules: [], segments: [], delta: '' }

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

/** Entries store the number of their rules in one byte. */
const MAX_RULES = 256

/**
 * Adds the rules unless they are known. At the limit, they replace rules that no entry uses (`unused`: their number, or
 * -1); if all are used, contents become unknown. `events`: the stream's events.
 */
export function withRules<State extends Pick<IndexState, 'rules' | 'contentsFrom'>>(
  state: State,
  rules: string,
  events: number,
  unused = () => -1,
): State {
  if (state.rules.includes(rules)) return state
  if (state.rules.length < MAX_RULES) return { ...state, rules: [...state.rules, rules] }
  const free = unused()
  if (free >= 0) return { ...state, rules: state.rules.with(free, rules) }
  return { ...state, rules: [rules], contentsFrom: events }
}
