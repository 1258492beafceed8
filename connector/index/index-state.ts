import * as z from 'zod'
import { ENTRY_BYTES, entryBytes, entryWords } from './index-entry.ts'

const count = z.number().int().nonnegative()

/** A stored segment, or a part of one of several objects, as the checkpoint names it. */
const segment = z.object({
  name: z.string(),
  /** 0: what left the document. Above: as many of the tier below as became one. `base`: the whole index. */
  tier: count.or(z.literal('base')),
  /** It has the entries with event numbers from `from` to below `to`. */
  from: count,
  to: count,
  /** It may also have entries whose content became unknown: they keep their older numbers. */
  hasUnknown: z.boolean(),
  entries: count,
  /** Of its bytes, base64url. */
  sha256: z.string(),
})

/** Stored entries in base64, the last one of a client wins. */
export const deltaSchema = z.base64().refine((text) => Number.isInteger(deltaEntries(text)))

/** The client index as the checkpoint document holds it. */
export const indexSchema = z.object({
  /** Counts how often the index was created again; stands for the previous event of a client without an entry. */
  generation: count,
  /** Oldest first; a newer one wins. */
  segments: z.array(segment).readonly(),
  /** What is newer than all segments. */
  delta: deltaSchema,
})

export type SegmentReference = z.infer<typeof segment>
export type IndexState = z.infer<typeof indexSchema>

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
