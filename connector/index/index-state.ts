import * as z from 'zod'
import { ENTRY_BYTES, entryBytes, entryWords } from './index-entry.ts'

const wholeNumber = z.number().int().nonnegative()

/** The checkpoint names each object of a segment in this form. */
const segment = z.object({
  name: z.string(),
  /**
   * Tier 0 has what left the document. Several segments of a tier become one of the next, and `base` is the whole
   * index.
   */
  tier: wholeNumber.or(z.literal('base')),
  /** The segment has the entries with event numbers from `from` to below `to`. */
  from: wholeNumber,
  to: wholeNumber,
  /** Whether it may also have entries whose content became unknown, and which keep their older numbers. */
  hasUnknown: z.boolean(),
  entries: wholeNumber,
  /** This is the hash of its bytes, in base64url. */
  sha256: z.string(),
})

/** A delta is stored entries in base64. The last one of a client counts. */
export const deltaSchema = z.base64().refine((text) => Number.isInteger(deltaEntryCount(text)))

/** The checkpoint document holds the client index in this form. */
export const indexSchema = z.object({
  /**
   * It is 0 for the first index of a stream, and the epoch of its claim for one that began again. It stands for the
   * previous event of a client without an entry.
   */
  generation: wholeNumber,
  /** The oldest segment comes first; of a client, the entry in the newest one counts. */
  segments: z.array(segment).readonly(),
  /** The delta has the entries that are newer than all segments. */
  delta: deltaSchema,
})

export type SegmentReference = z.infer<typeof segment>
export type IndexState = z.infer<typeof indexSchema>

export const emptyIndex: IndexState = { generation: 0, segments: [], delta: '' }

/** Returns the delta that has these encoded entries. */
export function deltaOf(words: Uint32Array): string {
  return entryBytes(words).toString('base64')
}

/** Returns the entries of a delta, encoded in words. */
export function encodedEntriesOf(delta: string): Uint32Array {
  return entryWords(Buffer.from(delta, 'base64'))
}

export function deltaEntryCount(delta: string): number {
  return Buffer.byteLength(delta, 'base64') / ENTRY_BYTES
}

/** Returns the entries of both deltas. */
export function joinedDelta(first: string, second: string): string {
  if (first === '' || second === '') return first + second
  return Buffer.concat([Buffer.from(first, 'base64'), Buffer.from(second, 'base64')]).toString('base64')
}

export function withEntries(state: IndexState, entries: string): IndexState {
  return entries === '' ? state : { ...state, delta: joinedDelta(state.delta, entries) }
}
