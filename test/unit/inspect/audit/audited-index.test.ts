import { describe, expect, test } from 'vitest'
import { type CheckpointDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { deltaText } from '../../../../connector/index/index-state.ts'
import { segmentBytes } from '../../../../connector/index/segment.ts'
import { writeSegment } from '../../../../connector/index/write-segment.ts'
import { entriesOf, readIndex } from '../../../../connector/inspect/audit/audited-index.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import { never } from '../../../support/signals.ts'
import { entry, key, words } from '../../index/entries.ts'
import { KEY } from '../../stream/open/open-parts.ts'
import { auditedStream } from './audited-stream.ts'

/** A stream whose index is in a segment with one client, in a document that names it. */
async function withSegment() {
  const on = auditedStream()
  await on.poll()
  const writer = { store: on.open.index.store, epoch: 1, newNonce: () => 'segment' }
  const bytes = segmentBytes(words([[key(1), entry(1)]]))
  const reference = await writeSegment(writer, { tier: 'base', bytes }, never)
  const named = (name: string) => (document: CheckpointDocument) => {
    const { committed } = document
    const index = { ...committed.state.index, segments: [{ ...reference, name }], delta: '' }
    return { ...document, committed: { ...committed, state: { ...committed.state, index } } }
  }
  return { ...on, name: reference.name, named }
}

describe('reading the index', () => {
  test('begins again when the replica has replaced the segments meanwhile', async () => {
    const { edit, named, name, open, document } = await withSegment()
    edit(named('replaced'))
    const { object } = open
    let reads = 0
    const replacing: typeof object = {
      ...object,
      read: async (stop) => {
        reads += 1
        if (reads === 2) edit((before) => ({ ...named(name)(before), nonce: 'next' }))
        return await object.read(stop)
      },
    }
    const { index } = await readIndex({ ...open, object: replacing }, never)
    expect(index.table.get(key(1))?.number).toBe(1)
    expect(document().nonce).toBe('next')
  })

  test('rejects when a segment is missing', async () => {
    const { edit, named, open } = await withSegment()
    edit(named('missing'))
    expect(await readIndex(open, never).then(() => 'none', codeOf)).toBe('checkpoint.index-missing')
  })

  test('rejects a checkpoint of another stream', async () => {
    const { store, document, open } = await withSegment()
    store.tamper(KEY, serializeDocument({ ...document(), stream: 'other' }))
    expect(await readIndex(open, never).then(() => 'none', codeOf)).toBe('checkpoint.other-stream')
  })

  test('keeps what a pending transaction adds apart', async () => {
    const { edit, named, name, open } = await withSegment()
    edit((document) => {
      const { committed, ...rest } = named(name)(document)
      const { index: _, ...state } = committed.state
      const change = {
        ...state,
        entries: deltaText(
          words([
            [key(1), entry(9)],
            [key(2), entry(10)],
          ]),
        ),
      }
      return { ...rest, committed, pending: { epoch: 1, seq: 9, nonce: 'n', at: 0, by: 'commit-record', change } }
    })
    const { index } = await readIndex(open, never)
    expect(index.table.size()).toBe(1)
    expect(entriesOf(index, key(1)).map(({ number }) => number)).toEqual([9, 1])
    expect(entriesOf(index, key(2)).map(({ number }) => number)).toEqual([10])
    expect(entriesOf(index, key(3))).toEqual([])
  })
})
