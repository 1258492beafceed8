import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CheckpointStore, SegmentStore } from '../../../connector/storage/checkpoint-store.ts'
import { checkpointKey } from '../../../connector/storage/checkpoint-store-config.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { never } from '../../support/signals.ts'
import { storePlaces } from '../../support/store-places.ts'

// One suite runs in memory, in a directory, and on a real S3 server.

const closing = closingAfterEach()

describe.each(storePlaces)('a segment store in %s', (_name, place) => {
  let open: () => CheckpointStore
  let segments: SegmentStore
  const key = checkpointKey('connector', 'stream')

  beforeEach(() => {
    const openPlace = place(closing)
    open = () => closing.use(openPlace(), (opened) => opened.close())
    segments = open().segments(key)
  })

  const contents: [string, Uint8Array][] = [
    ['every byte value', Uint8Array.from({ length: 256 }, (_, value) => value)],
    ['part of a larger buffer', randomBytes(100).subarray(30, 50)],
    ['8 MB', randomBytes(8 * 1024 * 1024)],
  ]
  test.each(contents)('returns exactly what was put, also to another replica (%s)', async (_what, bytes) => {
    await segments.put('1-a', bytes, never)
    for (const replica of [segments, open().segments(key)]) expectSame(await replica.get('1-a', never), bytes)
  })

  test('accepts a segment that several calls put at the same time', async () => {
    const bytes = randomBytes(100_000)
    await Promise.all(Array.from({ length: 8 }, () => segments.put('1-a', bytes, never)))
    expectSame(await segments.get('1-a', never), bytes)
    expect(await segments.list(never)).toEqual(['1-a'])
  })

  test('has nothing before the first put', async () => {
    expect(await segments.get('1-a', never)).toBeUndefined()
    expect(await segments.list(never)).toEqual([])
  })

  test('lists every segment when there are more than a thousand', async () => {
    const names = Array.from({ length: 1_050 }, (_, index) => `${index % 40}-${index}`)
    const left = [...names]
    const worker = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await segments.put(name, Buffer.of(1), never)
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    expect([...(await segments.list(never))].sort()).toEqual(names.sort())
  })

  test('removes a segment, also twice, and keeps the others', async () => {
    for (const name of ['1-a', '1-b']) await segments.put(name, Buffer.from(name), never)
    await segments.remove('1-a', never)
    await segments.remove('1-a', never)
    expect(await segments.get('1-a', never)).toBeUndefined()
    expect(await segments.list(never)).toEqual(['1-b'])
  })

  test('lists and reads no segment of another stream', async () => {
    const opened = open()
    const others = [checkpointKey('connector', 'stream-2'), checkpointKey('connector-2', 'stream'), 'stream.json']
    for (const other of others) await opened.segments(other).put('1-theirs', Buffer.from('theirs'), never)
    await segments.put('1-ours', Buffer.from('ours'), never)
    expect(await segments.list(never)).toEqual(['1-ours'])
    expect(await segments.get('1-theirs', never)).toBeUndefined()
  })

  test('leaves the document beside it alone', async () => {
    const object = open().object(key)
    await segments.put('1-a', Buffer.from('a'), never)
    expect(await object.read(never)).toBeUndefined()
    await object.write('text', null, never)
    expect(await segments.list(never)).toEqual(['1-a'])
    await segments.remove('1-a', never)
    expect((await object.read(never))?.text).toBe('text')
  })

  test('rejects with the reason of finish when it has already aborted', async () => {
    const reason = new Error('enough')
    const aborted = AbortSignal.abort(reason)
    await expect(segments.put('1-a', Buffer.from('a'), aborted)).rejects.toBe(reason)
    await expect(segments.get('1-a', aborted)).rejects.toBe(reason)
    await expect(segments.list(aborted)).rejects.toBe(reason)
    await expect(segments.remove('1-a', aborted)).rejects.toBe(reason)
    expect(await segments.list(never)).toEqual([])
  })
})

/** Quicker than `toEqual` for megabytes. */
function expectSame(found: Uint8Array | undefined, bytes: Uint8Array) {
  expect(found?.length).toBe(bytes.length)
  expect(Buffer.compare(found ?? Buffer.from('nothing'), bytes)).toBe(0)
}
