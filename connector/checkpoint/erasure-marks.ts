import { z } from 'zod'
import type { ClientTable } from '../index/client-table.ts'
import { type ClientKey, ENTRY_WORDS, type IndexEntry, readEntry, readKey, writeEntry } from '../index/index-entry.ts'
import { deltaText, deltaWords } from '../index/index-state.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { StoredText, VersionedObject } from '../storage/versioned-object.ts'
import type { StreamState } from './stream-state.ts'

/** A client that was erased: the entry of the client index at that moment, and the text of the entry's rules. */
export interface ErasureMark {
  readonly key: ClientKey
  readonly entry: IndexEntry
  readonly rules: string
}

export interface MarkChange {
  readonly add: readonly ErasureMark[]
  /** Clients that were published again. */
  readonly remove: readonly ClientKey[]
}

/**
 * The erased clients of a stream, in an object of their own: a client index that is rebuilt from the topic, or that
 * begins empty, knows them by it.
 */
export interface ErasureMarks {
  /** Rejects with `storage.*` or `checkpoint.erasures-damaged`, or with the reason of `stop`. */
  read(stop: AbortSignal): Promise<readonly ErasureMark[]>
  /** Resolves once the change is stored. Rejects as `read` does. */
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
        const text = serialized(changed(marksIn(stored), change), newNonce())
        const outcome = await object.write(text, stored?.version ?? null, finish)
        if (outcome.kind === 'written') return
      }
      throw new ConnectorError('storage.unavailable', `write erasure marks: changed by others in ${ATTEMPTS} attempts`)
    },
  }
}

/** Of two marks of a client, the one with the higher event number counts: a replica that was replaced may write late. */
function changed(marks: readonly ErasureMark[], { add, remove }: MarkChange): ErasureMark[] {
  const byKey = new Map(marks.map((mark) => [mark.key, mark]))
  for (const mark of add) {
    const known = byKey.get(mark.key)
    if (known === undefined || known.entry.number <= mark.entry.number) byKey.set(mark.key, mark)
  }
  for (const key of remove) byKey.delete(key)
  return [...byKey.values()]
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
})

function serialized(marks: readonly ErasureMark[], nonce: string): string {
  const rules = [...new Set(marks.map((mark) => mark.rules))]
  const words = new Uint32Array(marks.length * ENTRY_WORDS)
  for (const [at, { key, entry, rules: made }] of marks.entries())
    writeEntry(words, at * ENTRY_WORDS, key, { ...entry, rules: rules.indexOf(made) })
  return `${JSON.stringify({ format: FORMAT, nonce, rules, entries: deltaText(words) })}\n`
}

function marksIn(stored: StoredText | undefined): readonly ErasureMark[] {
  if (stored === undefined) return []
  const parsed = documentSchema.safeParse(parsedJson(stored.text))
  if (!parsed.success) throw new ConnectorError('checkpoint.erasures-damaged', 'read erasure marks: invalid document')
  const { rules, entries } = parsed.data
  const words = deltaWords(entries)
  return Array.from({ length: words.length / ENTRY_WORDS }, (_, at): ErasureMark => {
    const entry = readEntry(words, at * ENTRY_WORDS)
    return { key: readKey(words, at * ENTRY_WORDS), entry, rules: rules[entry.rules] ?? '' }
  })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

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
  marks: readonly ErasureMark[],
): MadeIndex {
  const counting = marks.filter(({ key, entry }) => (table.get(key)?.number ?? -1) <= entry.number)
  const rules = [...new Set([...known, ...counting.map((mark) => mark.rules)])]
  const words = new Uint32Array(counting.length * ENTRY_WORDS)
  for (const [at, { key, entry, rules: made }] of counting.entries())
    writeEntry(words, at * ENTRY_WORDS, key, { ...entry, rules: rules.indexOf(made) })
  return { rules, words, events: Math.max(events, ...counting.map(({ entry }) => entry.number + 1)) }
}

/** A state whose client index is empty, with the erased clients. Pure. */
export function withErasedClients(state: StreamState, marks: readonly ErasureMark[]): StreamState {
  if (marks.length === 0) return state
  const { rules, words, events } = markedEntries(
    { get: () => undefined },
    { rules: state.index.rules, events: state.events },
    marks,
  )
  return { ...state, events, index: { ...state.index, rules, delta: deltaText(words) } }
}
