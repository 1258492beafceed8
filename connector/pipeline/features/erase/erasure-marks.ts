import { z } from 'zod'
import {
  type ClientKey,
  clientKeyOf,
  ENTRY_WORDS,
  entryWordsOf,
  type IndexEntry,
  keyAsText,
  readEntry,
  readKey,
  UNKNOWN_CONTENT,
} from '../../../index/index-entry.ts'
import { deltaText, deltaWords, distinctRules, underRules } from '../../../index/index-state.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { parsedJson } from '../../../runtime/parsed-json.ts'
import { LIVE } from '../../../scan/scan-state.ts'
import type { StoredText, VersionedObject } from '../../../storage/versioned-object.ts'
import type { BareIndex } from '../kept-entries.ts'

/** A client that was erased: the entry of the client index at that moment, and the text of the entry's rules. */
export interface ErasureMark {
  readonly key: ClientKey
  readonly entry: IndexEntry
  readonly rules: string
}

/** A client that is to be erased: the request is not carried out yet, or its mark is not stored yet. */
interface OpenErasure {
  readonly key: ClientKey
  /** The id of the request. */
  readonly request: string
}

export interface StoredMarks {
  readonly marks: readonly ErasureMark[]
  readonly open: readonly OpenErasure[]
}

export interface MarkChange {
  readonly add?: readonly ErasureMark[]
  /** Clients that were published again. */
  readonly remove?: readonly ClientKey[]
  readonly open?: readonly OpenErasure[]
  /** The ids of requests that are carried out or cancelled. */
  readonly ended?: readonly string[]
}

/**
 * The erased clients of a stream, in an object of their own: a client index that is rebuilt from the topic, or that
 * begins empty, knows them by it.
 */
export interface ErasureMarks {
  /** Rejects with `storage.*` or `checkpoint.erasures-damaged`, or with the reason of `stop`. */
  read(stop: AbortSignal): Promise<StoredMarks>
  /** Resolves once the change is stored; writes nothing if it is. Rejects as `read` does. */
  update(change: MarkChange, finish: AbortSignal): Promise<void>
}

interface MarkParts {
  readonly object: VersionedObject
  readonly newNonce: () => string
}

/** In each attempt, another process writes between reading and writing. */
const ATTEMPTS = 10

export function erasureMarks({ object, newNonce }: MarkParts): ErasureMarks {
  const read = async (stop: AbortSignal) => marksIn(await object.read(stop))
  return {
    read,
    update: async (change, finish) => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const stored = await object.read(finish)
        const before = marksIn(stored)
        const after = changed(before, change)
        if (serialized(after, '') === serialized(before, '')) return
        const outcome = await object.write(serialized(after, newNonce()), stored?.version ?? null, finish)
        if (outcome.kind === 'written') return
      }
      throw new ConnectorError('storage.unavailable', `write erasure marks: changed by others in ${ATTEMPTS} attempts`)
    },
  }
}

/** Of two marks of a client, the one with the higher event number counts: a replica that was replaced may write late. */
function changed({ marks, open }: StoredMarks, { add = [], remove = [], ...requests }: MarkChange): StoredMarks {
  const byKey = new Map(marks.map((mark) => [mark.key, mark]))
  for (const mark of add) {
    const known = byKey.get(mark.key)
    if (known === undefined || known.entry.number <= mark.entry.number) byKey.set(mark.key, mark)
  }
  for (const key of remove) byKey.delete(key)
  const byRequest = new Map([...open, ...(requests.open ?? [])].map((one) => [one.request, one]))
  for (const id of requests.ended ?? []) byRequest.delete(id)
  return { marks: [...byKey.values()], open: [...byRequest.values()] }
}

const FORMAT = 1
const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** Unique for each write, as `VersionedObject` requires. */
  nonce: z.string(),
  /** The rules of the entries, by their number. */
  rules: z.array(z.string()).readonly(),
  /** As `IndexState.delta`. */
  entries: z.string().regex(/^(?:[\w+/]{32})*$/),
  open: z.array(z.object({ key: z.string(), request: z.string() })).default([]),
})

function serialized({ marks, open: erasures }: StoredMarks, nonce: string): string {
  const rules = distinctRules(marks.map((mark) => mark.rules))
  const words = entryWordsOf(marks.map(({ key, entry, rules: made }) => [key, underRules(entry, rules, made)]))
  const open = erasures.map(({ key, request }) => ({ key: keyAsText(key), request }))
  return `${JSON.stringify({ format: FORMAT, nonce, rules, entries: deltaText(words), open })}\n`
}

function marksIn(stored: StoredText | undefined): StoredMarks {
  if (stored === undefined) return { marks: [], open: [] }
  const parsed = documentSchema.safeParse(parsedJson(stored.text))
  if (!parsed.success) throw new ConnectorError('checkpoint.erasures-damaged', 'read erasure marks: invalid document')
  const { rules, entries, open } = parsed.data
  const words = deltaWords(entries)
  const marks = Array.from({ length: words.length / ENTRY_WORDS }, (_, at): ErasureMark => {
    const entry = readEntry(words, at * ENTRY_WORDS)
    return { key: readKey(words, at * ENTRY_WORDS), entry, rules: rules[entry.rules] ?? '' }
  })
  return { marks, open: open.map(({ key, request }) => ({ key: clientKeyOf(key), request })) }
}

/**
 * Adds an entry for each client without a later event. A mark of a request that was not carried out says nothing. The
 * number of the next event is above those of all marks.
 */
export function addMarked(
  { marks, open }: StoredMarks,
  { table, rules: known, events, mayBeCarriedOut }: BareIndex,
): Pick<BareIndex, 'rules' | 'events'> {
  const counting = marks.filter(({ key, entry }) => (table.get(key)?.number ?? -1) <= entry.number)
  const rules = distinctRules([...known, ...counting.map((mark) => mark.rules)])
  const entries = new Map<ClientKey, IndexEntry>()
  for (const { key, entry, rules: made } of counting) entries.set(key, underRules(entry, rules, made))
  for (const { key, request } of open) {
    if (!entries.has(key) && table.get(key) === undefined && mayBeCarriedOut(request)) entries.set(key, erasedBefore)
  }
  table.setAll(entryWordsOf(entries))
  return { rules, events: Math.max(events, ...counting.map(({ entry }) => entry.number + 1)) }
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
