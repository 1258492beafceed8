import type { StreamState } from '../../../checkpoint/stream-state.ts'
import type { ClientTable } from '../../../index/client-table.ts'
import { type ClientKey, entryWordsOf, type IndexEntry, UNKNOWN_CONTENT } from '../../../index/index-entry.ts'
import { deltaText, distinctRules, underRules } from '../../../index/index-state.ts'
import { LIVE } from '../../../scan/scan-state.ts'
import type { StoredMarks } from './erasure-marks.ts'

interface MadeIndex {
  readonly rules: readonly string[]
  /** The stream's events. */
  readonly events: number
  /** The entries that the marks add or replace. */
  readonly words: Uint32Array
}

/**
 * What the marks add to a client index that was rebuilt, with these rules: an entry for each client without a later
 * event. The number of the next event is above those of all marks.
 */
export function markedEntries(
  table: Pick<ClientTable, 'get'>,
  { rules: known, events }: Pick<MadeIndex, 'rules' | 'events'>,
  { marks, open }: StoredMarks,
): MadeIndex {
  const counting = marks.filter(({ key, entry }) => (table.get(key)?.number ?? -1) <= entry.number)
  const rules = distinctRules([...known, ...counting.map((mark) => mark.rules)])
  const entries = new Map<ClientKey, IndexEntry>()
  for (const { key, entry, rules: made } of counting) entries.set(key, underRules(entry, rules, made))
  for (const { key } of open) if (!entries.has(key) && table.get(key) === undefined) entries.set(key, erasedBefore)
  return {
    rules,
    words: entryWordsOf(entries),
    events: Math.max(events, ...counting.map(({ entry }) => entry.number + 1)),
  }
}

/**
 * Of a client that is to be erased and that the topic does not have: it may have been erased already. What is read next
 * counts as erased. A client that the topic has is erased once its request is carried out.
 */
const erasedBefore: IndexEntry = {
  content: UNKNOWN_CONTENT,
  isDeadLetter: false,
  mark: 'withdrawn',
  number: 0,
  tag: LIVE,
  rules: 0,
}

/** A state whose client index is empty, with the erased clients. Pure. */
export function withErasedClients(state: StreamState, marks: StoredMarks): StreamState {
  const index = { rules: state.index.rules, events: state.events }
  const { rules, words, events } = markedEntries({ get: () => undefined }, index, marks)
  if (words.length === 0) return state
  return { ...state, events, index: { ...state.index, rules, delta: deltaText(words) } }
}
