import {
  type ClientKey,
  type ContentKey,
  ENTRY_WORDS,
  type IndexEntry,
  keyText,
  readEntry,
  writeEntry,
} from '../../../connector/index/index-entry.ts'

/** Spread over all partitions. */
export const key = (client: number): ClientKey => keyText(Math.imul(client, 0x9e37_79b9) >>> 0, client) as ClientKey

export function entry(eventNumber: number, more: Partial<IndexEntry> = {}): IndexEntry {
  const content = keyText(Math.floor(eventNumber / 2 ** 32), (eventNumber + 1) >>> 0) as ContentKey
  return { content, eventNumber, scanNumber: 1, isDeadLetter: false, ...more }
}

export function words(entries: readonly (readonly [ClientKey, IndexEntry])[]): Uint32Array {
  const written = new Uint32Array(entries.length * ENTRY_WORDS)
  for (const [at, [client, of]] of entries.entries()) writeEntry(written, at * ENTRY_WORDS, client, of)
  return written
}

const keyAt = (written: Uint32Array, at: number) => keyText(written[at] ?? 0, written[at + 1] ?? 0) as ClientKey

export function read(written: Uint32Array): [ClientKey, IndexEntry][] {
  return Array.from({ length: written.length / ENTRY_WORDS }, (_, at) => [
    keyAt(written, at * ENTRY_WORDS),
    readEntry(written, at * ENTRY_WORDS),
  ])
}
