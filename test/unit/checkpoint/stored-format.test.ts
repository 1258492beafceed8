import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  committedPartByRecord,
  FORMAT,
  parseDocument,
  serializeDocument,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { entry, key, read, words } from '../index/entries.ts'
import { entriesOf } from '../index/storage-stage.ts'

/**
 * A checkpoint as it was stored: its document, and its segments by name, in base64. A change that breaks this test needs
 * another format, with a file of its own.
 */
const { document, segments } = JSON.parse(
  readFileSync(new URL(`../../fixtures/checkpoints/format-${FORMAT}.json`, import.meta.url), 'utf8'),
)

test('a stored document of this format is read, and written the same', () => {
  expect(JSON.parse(serializeDocument(parseDocument(JSON.stringify(document))))).toEqual(document)
})

test('the index of a stored document is loaded from segments of every tier, the delta and the pending state', async () => {
  const store = memorySegmentStore()
  for (const [name, bytes] of Object.entries(segments)) store.stored.set(name, Buffer.from(String(bytes), 'base64'))
  const { state } = committedPartByRecord(parseDocument(JSON.stringify(document)))
  const table = await loadTable(store, state.index, never)
  const expected = words([
    [key(1), entry(9)],
    [key(2), entry(3)],
    [key(3), entry(2, { isDeadLetter: true })],
    [key(4), entry(4, { scanNumber: 7 })],
    [key(5), entry(6)],
    [key(6), entry(7)],
    [key(7), entry(8)],
  ])
  expect(entriesOf(table)).toEqual(new Map(read(expected)))
})
