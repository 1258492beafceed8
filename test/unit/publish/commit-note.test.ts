import { expect, it } from 'vitest'
import { noteOffsets, parseNote } from '../../../connector/publish/commit-note.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'

const place = { group: 'shop.north', topic: 'events' }
const note = { epoch: 3, seq: 12, nonce: 'n' }

it('writes a note as the offset of partition 0 with its metadata, and reads back the same', () => {
  const written = noteOffsets(place, note)
  expect(written).toEqual({
    consumerGroupId: 'shop.north',
    topics: [
      { topic: 'events', partitions: [{ partition: 0, offset: '12', metadata: '{"epoch":3,"seq":12,"nonce":"n"}' }] },
    ],
  })
  const [stored] = written.topics[0]?.partitions ?? []
  expect(stored && parseNote(place, stored)).toEqual(note)
})

it.each([
  ['without metadata', { offset: '12', metadata: null }],
  ['that is not JSON', { offset: '12', metadata: 'consumer-1' }],
  ['of another form', { offset: '12', metadata: '{"epoch":"3","seq":12,"nonce":"n"}' }],
  ['whose offset is not its seq', { offset: '13', metadata: '{"epoch":3,"seq":12,"nonce":"n"}' }],
  ['that is JSON null', { offset: '12', metadata: 'null' }],
])('stops for an offset %s', (_what, stored) => {
  let code = 'none'
  try {
    parseNote(place, stored)
  } catch (error) {
    code = codeOf(error)
  }
  expect(code).toBe('checkpoint.unknown-format')
})
