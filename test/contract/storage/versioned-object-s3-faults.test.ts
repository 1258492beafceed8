import { describe, expect, test } from 'vitest'
import { type ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { VersionedObject } from '../../../connector/storage/checkpoint-store.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { type FakeS3, fakeObject } from '../../support/fakes/fake-s3-server.ts'
import { type FakeStoreSetting, fakeS3Store } from '../../support/fakes/fake-s3-store.ts'
import type { S3Fault } from '../../support/servers/faulty-s3.ts'
import { never } from '../../support/signals.ts'

// A fake S3 server answers, loses or delays single requests.

const closing = closingAfterEach()
const key = 'prefix/connector/stream.json'

async function open(setting: FakeStoreSetting = {}) {
  const opened = await fakeS3Store(setting, closing)
  return { ...opened, object: opened.store.object('connector/stream.json') }
}

const textIn = (server: FakeS3) => server.objects.get(key)?.body.toString()

const lostResponses: [string, S3Fault][] = [
  ['the connection breaks', { kind: 'lose-answer' }],
  ['there is no response', { kind: 'hang-after' }],
  ['the response is 500', { kind: 'answer-instead', status: 500, code: 'InternalError' }],
  ['the response is 409', { kind: 'answer-instead', status: 409, code: 'ConditionalRequestConflict' }],
  ['the response is 412', { kind: 'answer-instead', status: 412, code: 'PreconditionFailed' }],
  ['the response is 404 NoSuchKey', { kind: 'answer-instead', status: 404, code: 'NoSuchKey' }],
]

describe.each(lostResponses)('a write that succeeds although %s', (_how, fault) => {
  test('is reported as written after reading back', async () => {
    const { server, object } = await open()
    const expected = await versionAfterWriting(object, 'before')
    server.next('PUT', fault)
    const outcome = await object.write('mine', expected, never)
    expect(outcome).toEqual({ kind: 'written', version: (await object.read(never))?.version })
    expect(textIn(server)).toBe('mine')
    expect(server.requests.filter(({ line }) => line === `PUT ${key}`)).toHaveLength(2)
  })

  test('is a conflict when another writer replaces it before it is read back', async () => {
    const { server, object } = await open()
    const expected = await versionAfterWriting(object, 'before')
    server.next('PUT', fault)
    server.next('GET', { kind: 'meanwhile', change: () => server.objects.set(key, fakeObject('theirs')) })
    expect(await object.write('mine', expected, never)).toEqual({ kind: 'conflict' })
    expect(textIn(server)).toBe('theirs')
  })
})

const lostRequests: [string, S3Fault][] = [
  ['the connection breaks', { kind: 'lose-request' }],
  ['there is no response', { kind: 'hang' }],
  ['the response is 502 from a proxy', { kind: 'answer', status: 502, html: '<html>planted secret' }],
  ['the response is 503', { kind: 'answer', status: 503, code: 'SlowDown' }],
  ['the response is 409', { kind: 'answer', status: 409, code: 'OperationAborted' }],
  ['the response is 400 RequestTimeout', { kind: 'answer', status: 400, code: 'RequestTimeout' }],
  ['the response is 412 without a reason', { kind: 'answer', status: 412, code: 'PreconditionFailed' }],
]

describe.each(lostRequests)('a write that fails because %s', (_how, fault) => {
  test('is retried with the same condition', async () => {
    const { server, object, retried } = await open()
    const expected = await versionAfterWriting(object, 'before')
    server.next('PUT', fault, fault)
    expect((await object.write('mine', expected, never)).kind).toBe('written')
    expect(textIn(server)).toBe('mine')
    expect(retried).toEqual(['storage.unavailable', 'storage.unavailable'])
  })

  test('rejects as unavailable when the fault persists', async () => {
    const { server, object } = await open({ times: { answerWithinMs: 50 } })
    server.next('PUT', ...Array.from({ length: 20 }, () => fault))
    const error = await object.write('mine', null, never).catch((rejection) => rejection)
    expect(codeOf(error)).toBe('storage.unavailable')
    expect(error.message).toContain(`s3://bucket/${key}`)
    expectNothingPlanted(error)
    expect(textIn(server)).toBeUndefined()
  })
})

test('reads a write back after the next attempt when reading back fails as well', async () => {
  const { server, object } = await open()
  server.next('PUT', { kind: 'lose-answer' })
  server.next('GET', { kind: 'answer', status: 503, code: 'SlowDown' })
  expect((await object.write('mine', null, never)).kind).toBe('written')
  expect(server.requests.map(({ line }) => line.split(' ')[0])).toEqual(['PUT', 'GET', 'PUT', 'GET'])
})

test('a late attempt changes nothing when a later write has succeeded', async () => {
  const { server, object } = await open()
  server.next('PUT', { kind: 'late' })
  const version = await versionAfterWriting(object, 'first')
  await object.write('second', version, never)
  expect(await server.arrive()).toEqual([412])
  expect(textIn(server)).toBe('second')
})

test('reports a conflict when an abandoned write arrives before the next one', async () => {
  const { server, object } = await open({ times: { callWithinMs: 1_000, answerWithinMs: 5_000 } })
  const expected = await versionAfterWriting(object, 'before')
  server.next('PUT', { kind: 'late' })
  await expect(object.write('abandoned', expected, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect((await object.read(never))?.version).toBe(expected)
  expect(await server.arrive()).toEqual([200])
  expect(await object.write('next', expected, never)).toEqual({ kind: 'conflict' })
})

const refusals: [number, string][] = [
  [403, 'AccessDenied'],
  [403, 'SignatureDoesNotMatch'],
  [400, 'ExpiredToken'],
  [400, 'KMS.DisabledException'],
  [301, 'PermanentRedirect'],
  [404, 'NoSuchBucket'],
]

test.each(refusals)(
  'rejects %i %s at once, with code and request id but without the text of the response',
  async (status, code) => {
    const { server, object, retried } = await open()
    for (const method of ['PUT', 'GET'] as const) {
      server.next(method, { kind: 'answer', status, code })
      const call = method === 'PUT' ? object.write('mine', null, never) : object.read(never)
      const error = await call.catch((rejection) => rejection)
      expect(codeOf(error)).toBe('storage.refused')
      const place = `s3://bucket/${key} at ${new URL(server.endpoint).host}`
      expect(error.message).toContain(
        `${method === 'PUT' ? 'write' : 'read'} ${place}: ${status} ${code} (request req-1)`,
      )
      expectNothingPlanted(error)
    }
    expect(retried).toEqual([])
  },
)

test.each(['break', 'silence'] as const)('reads again when a body ends early in %s', async (ending) => {
  const { server, object, retried } = await open()
  await object.write('x'.repeat(100_000), null, never)
  server.next('GET', { kind: 'half-body', ending })
  expect((await object.read(never))?.text).toBe('x'.repeat(100_000))
  expect(retried).toEqual(['storage.unavailable'])
})

test('keeps every connection usable after refused and broken responses', async () => {
  const { server, object } = await open({ times: { answerWithinMs: 100 } })
  server.objects.set(key, fakeObject('text'))
  const faults: S3Fault[] = [
    { kind: 'answer', status: 403, code: 'AccessDenied' },
    { kind: 'answer', status: 503, html: 'x'.repeat(100_000) },
    { kind: 'half-body', ending: 'silence' },
  ]
  server.next('GET', ...Array.from({ length: 60 }, () => faults).flat())
  while (server.requests.length < 180) await object.read(never).catch(() => undefined)
  expect((await object.read(never))?.text).toBe('text')
})

test('rejects within the limit of a call when the store hangs', async () => {
  const { server, object } = await open({ times: { answerWithinMs: 60_000, callWithinMs: 150 } })
  server.next('GET', { kind: 'hang' })
  server.next('PUT', { kind: 'hang' })
  const started = performance.now()
  await expect(object.read(never)).rejects.toMatchObject({
    code: 'storage.unavailable',
    message: expect.stringContaining('150 ms'),
  })
  await expect(object.write('mine', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('retries when a connection delivers data but no response', async () => {
  const { server, object, retried } = await open({ times: { answerWithinMs: 500 } })
  server.next('GET', { kind: 'processing' })
  expect(await object.read(never)).toBeUndefined()
  expect(retried).toEqual(['storage.unavailable'])
})

test('rejects with the reason of finish as soon as it aborts', async () => {
  const { server, object } = await open({ times: { answerWithinMs: 60_000, callWithinMs: 60_000 } })
  const finish = new AbortController()
  const reason = new Error('enough')
  server.next('PUT', { kind: 'hang' })
  const writing = object.write('mine', null, finish.signal)
  await expect.poll(() => server.requests.length, { timeout: 30_000 }).toBe(1)
  finish.abort(reason)
  await expect(writing).rejects.toBe(reason)
})

describe('the start-up probe', () => {
  test('selects quoted ETags on a store like AWS and leaves nothing behind', async () => {
    const { server, store, object } = await open()
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([])
    await object.write('two', await versionAfterWriting(object, 'one'), never)
    expect(server.requests.at(-1)?.headers['if-match']).toMatch(/^".+"$/)
  })

  test('selects unquoted ETags on a store like Ceph', async () => {
    const { server, store, object } = await open({ fake: { etags: 'ceph' } })
    await store.probe(never)
    expect((await object.write('two', await versionAfterWriting(object, 'one'), never)).kind).toBe('written')
    expect(server.requests.at(-1)?.headers['if-match']).toMatch(/^[^"]+$/)
  })

  const unsuitable: [string, FakeStoreSetting, string][] = [
    ['ignores conditions', { fake: { conditions: 'ignored' } }, 'If-None-Match: * was ignored'],
    [
      'supports no conditions',
      { fake: { conditions: 'not-implemented' } },
      'the store answered 501 to a conditional write',
    ],
    ['ignores If-Match', { fake: { conditions: 'create-only' } }, 'If-Match with an old ETag was accepted'],
    [
      'returns different ETags to readers',
      { fake: { etags: 'weak-on-read' } },
      'a write and a read return different ETags',
    ],
  ]
  test.each(unsuitable)('rejects a store that %s', async (_what, setting, why) => {
    const { store } = await open(setting)
    await expect(store.probe(never)).rejects.toMatchObject({
      code: 'storage.no-conditional-writes',
      message: expect.stringContaining(why),
    })
  })

  test('starts again with another key when a response is inconclusive', async () => {
    const { server, store } = await open()
    server.next('PUT', undefined, { kind: 'lose-answer' }, undefined, undefined, {
      kind: 'answer',
      status: 500,
      code: 'InternalError',
    })
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([])
  })

  test('accepts a store that does not allow deletion', async () => {
    const { server, store } = await open()
    server.next('DELETE', { kind: 'answer', status: 403, code: 'AccessDenied' })
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([expect.stringMatching(/^prefix\/\.probe-/)])
  })
})

test('sends documents and segments with encryption settings and a length, without chunks and checksums', async () => {
  const s3 = { encryption: 'aws:kms', kmsKeyId: 'key-1' } as const
  const { server, store, object } = await open({ s3 })
  await object.write('x'.repeat(3_000_000), null, never)
  await store.segments('connector/stream.json').put('1-a', Buffer.alloc(3_000_000), never)
  for (const { headers } of server.requests) {
    expect(headers).toMatchObject({
      'content-length': '3000000',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    })
    const others = /checksum|content-encoding|transfer-encoding|expect/
    expect(Object.keys(headers).filter((name) => others.test(name))).toEqual([])
  }
  expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual(['*', undefined])
})

async function versionAfterWriting(object: VersionedObject, text: string) {
  const outcome = await object.write(text, null, never)
  if (outcome.kind !== 'written') throw new Error('unexpected conflict')
  return outcome.version
}

function expectNothingPlanted(error: ConnectorError) {
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('planted')
  if (error.cause !== undefined) expectNothingPlanted(error.cause as ConnectorError)
}
