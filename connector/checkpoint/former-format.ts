import { z } from 'zod'
import { ENTRY_WORDS, readEntry, readKey, UNKNOWN_CONTENT, writeEntry } from '../index/index-entry.ts'
import { deltaText, deltaWords } from '../index/index-state.ts'

export const FORMER_FORMAT = 4

const formerDocument = z.looseObject({
  format: z.literal(FORMER_FORMAT),
  committed: z.looseObject({
    by: z.string(),
    state: z.looseObject({ events: z.number(), index: z.looseObject({ delta: z.string() }) }),
  }),
  pending: z
    .looseObject({ by: z.string(), change: z.looseObject({ events: z.number(), entries: z.string() }) })
    .nullable(),
})

/**
 * A document of format 4 in the present format; any other value unchanged. Format 4 had states that needed no commit
 * record (at-least-once delivery): such a committed state counts as one that never had a record, and the clients of such
 * a pending state are published again. Pure.
 */
export function inPresentFormat(value: unknown, format: number): unknown {
  const parsed = formerDocument.safeParse(value)
  if (!parsed.success) return value
  const { committed, pending, ...document } = parsed.data
  if (pending?.by === 'at-least-once')
    return {
      ...document,
      format,
      committed: { ...committed, by: 'operator', state: inDoubt(committed, pending) },
      pending: null,
    }
  const by = committed.by === 'at-least-once' ? 'operator' : committed.by
  return { ...document, format, committed: { ...committed, by }, pending }
}

type Former = z.infer<typeof formerDocument>

/** The committed state; whether the pending events are in the topic is not known, so their numbers count as used. */
function inDoubt({ state }: Former['committed'], { change }: NonNullable<Former['pending']>): unknown {
  const delta = state.index.delta + unknownContents(change.entries, state.events)
  return { ...state, events: Math.max(state.events, change.events), index: { ...state.index, delta } }
}

/** The entries with unknown content: the next reading is published. Those that were only rewritten are left out. */
function unknownContents(entries: string, events: number): string {
  const words = deltaWords(entries)
  const unknown = new Uint32Array(words.length)
  let used = 0
  for (let at = 0; at < words.length; at += ENTRY_WORDS) {
    const entry = readEntry(words, at)
    if (entry.number < events) continue
    writeEntry(unknown, used, readKey(words, at), { ...entry, content: UNKNOWN_CONTENT, mark: 'none' })
    used += ENTRY_WORDS
  }
  return deltaText(unknown.slice(0, used))
}
