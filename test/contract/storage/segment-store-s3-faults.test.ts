import { expect, test } from 'vitest'
import type { SegmentStore } from '../../../connector/storage/checkpoint-store.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { fakeObject } from '../../support/fakes/fake-s3-server.ts'
import { type FakeStoreSetting, fakeS3Store, s3StoreAt } from '../../support/fakes/fake-s3-store.ts'
import { scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

// A fake S3 server answers, loses or delays single requests.

const closing = closingAfterEach()
const key = 'connector/stream.json'
const prefix = 'prefix/connector/stream.index/'
const bytes = Buffer.from([0, 255, 254, 1, 13, 10])

async function open(setting: FakeStoreSetting = {}) {
  const opened = await fakeS3Store(setting, closing)
  return { ...opened, segments: opened.store.segments(key) }
}

/** Each with a segment `1-a` that is stored already. */
const calls: [string, 'PUT' | 'GET' | 'DELETE', (segments: SegmentStore) => Promise<unknown>][] = [
  ['put', 'PUT', (segments) => segments.put('1-a', bytes, never)],
  ['get', 'GET', (segments) => segments.get('1-a', never)],
  ['list', 'GET', (segments) => segments.list(never)],
  ['remove', 'DELETE', (segments) => segments.remove('1-a', never)],
]

test.each(calls)('%s is repeated when its answer is lost', async (name, method, run) => {
  const { server, segments, retried } = await open()
  await segments.put('1-a', bytes, never)
  server.next(method, { kind: 'lose-answer' })
  const result = await run(segments)
  expect(retried).toEqual(['storage.unavailable'])
  if (name === 'get') expect(Buffer.from(result as Uint8Array)).toEqual(bytes)
  if (name === 'list') expect(result).toEqual(['1-a'])
  expect(server.objects.get(`${prefix}1-a`)?.body).toEqual(name === 'remove' ? undefined : bytes)
})

test.each([0, 6, 100_000])('get reads a segment of %d bytes whose answer has no length', async (length) => {
  const { server, segments, retried } = await open()
  await segments.put('1-a', Buffer.alloc(length, 7), never)
  server.next('GET', { kind: 'without-length' })
  const read = await segments.get('1-a', never)
  expect(Buffer.from(read ?? []).equals(Buffer.alloc(length, 7))).toBe(true)
  expect(retried).toEqual([])
})

test('remove accepts a store that answers 404 NoSuchKey', async () => {
  const { server, segments } = await open()
  server.next('DELETE', { kind: 'answer', status: 404, code: 'NoSuchKey' })
  await segments.remove('1-a', never)
})

test('list has every name once when a later page fails', async () => {
  const { server, segments, retried } = await open()
  const names = Array.from({ length: 2_500 }, (_, index) => `1-${String(index).padStart(4, '0')}`)
  for (const name of names) server.objects.set(`${prefix}${name}`, fakeObject(''))
  server.next('GET', undefined, { kind: 'answer', status: 503, code: 'SlowDown' }, undefined, { kind: 'lose-answer' })
  expect(await segments.list(never)).toEqual(names)
  expect(retried).toEqual(['storage.unavailable', 'storage.unavailable'])
})

test('list has neither the prefix itself nor what is in directories below it', async () => {
  const { server, segments } = await open()
  for (const name of ['', 'other/1-a', '1-a']) server.objects.set(`${prefix}${name}`, fakeObject(''))
  expect(await segments.list(never)).toEqual(['1-a'])
})

test('put succeeds when a large upload takes longer than the limit of an answer', async () => {
  await using server = await scriptedServer((_, response) => {
    const timer = setInterval(() => response.writeProcessing(), 20)
    setTimeout(() => {
      clearInterval(timer)
      response.setHeader('etag', '"any"').end()
    }, 3_000)
  })
  const { store, retried } = s3StoreAt(server.url, { times: { answerWithinMs: 1_500 } }, closing)
  await store.segments(key).put('1-a', Buffer.alloc(4_000_000), never)
  expect(retried).toEqual([])
})
