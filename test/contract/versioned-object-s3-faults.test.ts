import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type ConnectorError, codeOf } from '../../connector/runtime/connector-error.ts'
import { checkpointStoreDefaults, type S3Settings } from '../../connector/storage/checkpoint-store-config.ts'
import { s3Store } from '../../connector/storage/s3-versioned-object.ts'
import {
  type FakeS3,
  type FakeS3Fault,
  type FakeS3Options,
  fakeObject,
  startFakeS3,
} from '../support/fake-s3-server.ts'

const closing = closeStack()
const never = new AbortController().signal
const key = 'prefix/connector/stream.json'

afterEach(() => closing.close())

interface Setting {
  readonly fake?: FakeS3Options
  readonly s3?: Partial<S3Settings>
  readonly callWithinMs?: number
}

async function open({ fake = {}, s3 = {}, callWithinMs = 5_000 }: Setting = {}) {
  const server = closing.use(await startFakeS3(fake), (opened) => opened.close())
  const settings: S3Settings = {
    ...checkpointStoreDefaults.s3,
    answerWithinMs: 200,
    endpoint: server.endpoint,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    ...s3,
  }
  const retried: string[] = []
  const clock = { ...systemClock, random: () => 0 } // no pauses
  const parts = { clock, onRetry: (error: unknown) => void retried.push(codeOf(error)) }
  const store = closing.use(
    s3Store({ bucket: 'bucket', prefix: 'prefix', callWithinMs, s3: settings }, parts),
    (opened) => opened.close(),
  )
  return { server, store, object: store.object('connector/stream.json'), retried }
}

const textIn = (server: FakeS3) => server.objects.get(key)?.body.toString()
const replaced = (text: string) => (objects: FakeS3['objects'], at: string) => void objects.set(at, fakeObject(text))

const lostAnswers: [string, FakeS3Fault][] = [
  ['the connection breaks', { kind: 'lose-answer' }],
  ['no answer comes', { kind: 'hang-after' }],
  ['the answer is 500', { kind: 'answer-instead', status: 500, code: 'InternalError' }],
  ['the answer is 503', { kind: 'answer-instead', status: 503, code: 'SlowDown' }],
  ['the answer is 409', { kind: 'answer-instead', status: 409, code: 'ConditionalRequestConflict' }],
  ['the answer is 412', { kind: 'answer-instead', status: 412, code: 'PreconditionFailed' }],
  ['the answer is 404 NoSuchKey', { kind: 'answer-instead', status: 404, code: 'NoSuchKey' }],
]

describe.each(lostAnswers)('a write that happened although %s', (_how, fault) => {
  test.each(['create', 'update'])('is told as written after reading back (%s)', async (kind) => {
    const { server, object } = await open()
    const expected = kind === 'create' ? null : await versionAfterWriting(object, 'before')
    server.next('PUT', fault)
    const outcome = await object.write('mine', expected, never)
    expect(outcome).toEqual({ kind: 'written', version: (await object.read(never))?.version })
    expect(textIn(server)).toBe('mine')
    expect(server.requests.filter(({ line }) => line === `PUT ${key}`)).toHaveLength(kind === 'create' ? 1 : 2)
  })

  test('is a conflict when somebody has written over it before it is read back', async () => {
    const { server, object } = await open()
    const expected = await versionAfterWriting(object, 'before')
    server.next('PUT', fault)
    server.next('GET', { kind: 'meanwhile', change: replaced('theirs') })
    expect(await object.write('mine', expected, never)).toEqual({ kind: 'conflict' })
    expect(textIn(server)).toBe('theirs')
  })
})

const lostRequests: [string, FakeS3Fault][] = [
  ['the connection breaks', { kind: 'lose-request' }],
  ['no answer comes', { kind: 'hang' }],
  ['the answer is 500', { kind: 'answer', status: 500, code: 'InternalError' }],
  ['the answer is 502 of a proxy', { kind: 'answer', status: 502, html: '<html>planted secret' }],
  ['the answer is 503', { kind: 'answer', status: 503, code: 'SlowDown' }],
  ['the answer is 409', { kind: 'answer', status: 409, code: 'OperationAborted' }],
  ['the answer is 429', { kind: 'answer', status: 429 }],
  ['the answer is 400 RequestTimeout', { kind: 'answer', status: 400, code: 'RequestTimeout' }],
  ['the answer is 412 without a reason', { kind: 'answer', status: 412, code: 'PreconditionFailed' }],
]

describe.each(lostRequests)('a write that did not happen since %s', (_how, fault) => {
  test.each(['create', 'update'])('is tried again with the same condition (%s)', async (kind) => {
    const { server, object, retried } = await open()
    const expected = kind === 'create' ? null : await versionAfterWriting(object, 'before')
    server.next('PUT', fault, fault)
    expect((await object.write('mine', expected, never)).kind).toBe('written')
    expect(textIn(server)).toBe('mine')
    expect(retried).toEqual(['storage.unavailable', 'storage.unavailable'])
  })

  test('is a conflict when somebody else has written meanwhile', async () => {
    const { server, object } = await open()
    const expected = await versionAfterWriting(object, 'before')
    server.next('PUT', fault)
    server.next('GET', { kind: 'meanwhile', change: replaced('theirs') })
    expect(await object.write('mine', expected, never)).toEqual({ kind: 'conflict' })
    expect(textIn(server)).toBe('theirs')
  })

  test('rejects as unavailable when it stays so', async () => {
    const { server, object } = await open({ s3: { answerWithinMs: 50 } })
    server.next('PUT', ...Array.from({ length: 20 }, () => fault))
    const error = await object.write('mine', null, never).catch((rejection) => rejection)
    expect(codeOf(error)).toBe('storage.unavailable')
    expect(error.message).toContain(`s3://bucket/${key}`)
    expectNothingPlanted(error)
    expect(textIn(server)).toBeUndefined()
  })
})

test('a write whose reading back fails as well is read back after the next try', async () => {
  const { server, object } = await open()
  server.next('PUT', { kind: 'lose-answer' })
  server.next('GET', { kind: 'answer', status: 503, code: 'SlowDown' })
  expect((await object.write('mine', null, never)).kind).toBe('written')
  expect(server.requests.map(({ line }) => line.split(' ')[0])).toEqual(['PUT', 'GET', 'PUT', 'GET'])
})

test('a try that arrives after everything else changes nothing any more', async () => {
  const { server, object } = await open()
  server.next('PUT', { kind: 'late' })
  const version = await versionAfterWriting(object, 'first')
  await object.write('second', version, never)
  expect(server.arrive()).toEqual([412])
  expect(textIn(server)).toBe('second')
})

test('a write given up on may still arrive, and is then met as a conflict', async () => {
  const { server, object } = await open({ callWithinMs: 100, s3: { answerWithinMs: 5_000 } })
  const expected = await versionAfterWriting(object, 'before')
  server.next('PUT', { kind: 'late' })
  await expect(object.write('given up', expected, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect((await object.read(never))?.version).toBe(expected)
  expect(server.arrive()).toEqual([200])
  expect(await object.write('next', expected, never)).toEqual({ kind: 'conflict' })
})

test('an update of an object deleted meanwhile is a conflict and does not create it', async () => {
  const { server, object } = await open()
  const expected = await versionAfterWriting(object, 'before')
  server.objects.delete(key)
  expect(await object.write('mine', expected, never)).toEqual({ kind: 'conflict' })
  expect(textIn(server)).toBeUndefined()
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
  '%i %s is refused at once, named, with the request id and without the text of the answer',
  async (status, code) => {
    const { server, object, retried } = await open()
    for (const method of ['PUT', 'GET'] as const) {
      server.next(method, { kind: 'answer', status, code })
      const call = method === 'PUT' ? object.write('mine', null, never) : object.read(never)
      const error = await call.catch((rejection) => rejection)
      expect(codeOf(error)).toBe('storage.refused')
      expect(error.message).toBe(
        `${method === 'PUT' ? 'write' : 'read'} s3://bucket/${key}: ${status} ${code} (request req-1)`,
      )
      expectNothingPlanted(error)
    }
    expect(retried).toEqual([])
  },
)

test('a 404 that does not say NoSuchKey is not taken for an absent object', async () => {
  const { server, object } = await open()
  server.next('GET', { kind: 'answer', status: 404, html: '<html>not found' })
  await expect(object.read(never)).rejects.toMatchObject({ code: 'storage.refused' })
})

test('a condition that the store does not know is storage.no-conditional-writes', async () => {
  const { object } = await open({ fake: { conditions: 'not-implemented' } })
  await expect(object.write('mine', null, never)).rejects.toMatchObject({ code: 'storage.no-conditional-writes' })
})

describe('without settings of the environment', () => {
  beforeEach(() => {
    const names = [
      'AWS_ACCESS_KEY_ID',
      'AWS_PROFILE',
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_WEB_IDENTITY_TOKEN_FILE',
    ]
    const files = ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']
    for (const name of names) vi.stubEnv(name, undefined)
    for (const name of files) vi.stubEnv(name, '/dev/null')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  })
  afterEach(() => void vi.unstubAllEnvs())

  test('credentials that cannot be had are refused', async () => {
    const { object } = await open({ s3: { credentials: undefined } })
    const error = await object.read(never).catch((rejection) => rejection)
    expect(error).toMatchObject({
      code: 'storage.refused',
      message: expect.stringContaining('CredentialsProviderError'),
    })
  })

  test('credentials and region are those of the standard variables', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key-of-environment')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    const { server, object } = await open({ s3: { credentials: undefined, region: 'eu-west-9' } })
    await object.read(never)
    expect(server.requests[0]?.headers.authorization).toMatch(/Credential=key-of-environment\/\d+\/eu-west-9\/s3/)
  })

  test('with an endpoint of its own a missing region is us-east-1', async () => {
    const { server, object } = await open()
    await object.read(never)
    expect(server.requests[0]?.headers.authorization).toContain('/us-east-1/s3')
  })

  test('on AWS itself a missing region is refused', async () => {
    const { store } = await open({ s3: { endpoint: undefined } })
    await expect(store.probe(never)).rejects.toMatchObject({
      code: 'storage.refused',
      message: expect.stringContaining('AWS_REGION'),
    })
  })
})

test.each(['break', 'silence'] as const)('a body that ends half way in %s is read again', async (ending) => {
  const { server, object, retried } = await open()
  await object.write('x'.repeat(100_000), null, never)
  server.next('GET', { kind: 'half-body', ending })
  expect((await object.read(never))?.text).toBe('x'.repeat(100_000))
  expect(retried).toEqual(['storage.unavailable'])
})

test('answers that are refused or broken leave every connection usable', async () => {
  const { server, object } = await open({ s3: { answerWithinMs: 20 } })
  await object.write('text', null, never)
  const faults: FakeS3Fault[] = [
    { kind: 'answer', status: 403, code: 'AccessDenied' },
    { kind: 'answer', status: 503, html: 'x'.repeat(100_000) },
    { kind: 'half-body', ending: 'silence' },
  ]
  server.next('GET', ...Array.from({ length: 60 }, () => faults).flat())
  for (let call = 0; call < 200 && server.requests.length < 181; call += 1)
    await object.read(never).catch(() => undefined)
  expect((await object.read(never))?.text).toBe('text')
})

test('a store that hangs makes a call reject within its own limit', async () => {
  const { server, object } = await open({ s3: { answerWithinMs: 60_000 }, callWithinMs: 150 })
  server.next('GET', { kind: 'hang' })
  server.next('PUT', { kind: 'hang' })
  const started = performance.now()
  await expect(object.read(never)).rejects.toMatchObject({
    code: 'storage.unavailable',
    message: expect.stringContaining('150 ms'),
  })
  await expect(object.write('mine', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('a connection on which something but no answer comes is given up on', async () => {
  const { server, object, retried } = await open({ s3: { answerWithinMs: 100 } })
  server.next('GET', { kind: 'processing' })
  expect(await object.read(never)).toBeUndefined()
  expect(retried).toEqual(['storage.unavailable'])
})

test('a store that hangs in the middle of a body makes a read reject within its own limit', async () => {
  const { server, object } = await open({ s3: { answerWithinMs: 60_000 }, callWithinMs: 150 })
  await object.write('x'.repeat(100_000), null, never)
  server.next('GET', { kind: 'half-body', ending: 'silence' })
  await expect(object.read(never)).rejects.toMatchObject({ code: 'storage.unavailable' })
})

test('a call that waits rejects with the reason of finish as soon as it aborts', async () => {
  const { server, object } = await open({ s3: { answerWithinMs: 60_000 }, callWithinMs: 60_000 })
  const finish = new AbortController()
  const reason = new Error('enough')
  server.next('PUT', { kind: 'hang' })
  const writing = object.write('mine', null, finish.signal)
  await expect.poll(() => server.requests.length).toBe(1)
  finish.abort(reason)
  await expect(writing).rejects.toBe(reason)
})

test('a process that waits for a hanging store stays alive until the limit and ends by itself after close', async () => {
  const { server } = await open()
  server.next('GET', { kind: 'hang' })
  const script = `
    import { s3Store } from ${source('storage/s3-versioned-object.ts')}
    import { systemClock } from ${source('runtime/clock.ts')}
    const s3 = { endpoint: ${JSON.stringify(server.endpoint)}, credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      etagQuoting: 'auto', connectWithinMs: 60_000, answerWithinMs: 60_000 }
    const store = s3Store({ bucket: 'b', prefix: '', callWithinMs: 300, s3 }, { clock: systemClock, onRetry: () => undefined })
    await store.object('k').read(new AbortController().signal).catch((error) => console.log(error.code))
    store.close()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 30_000,
  })
  expect(stdout.trim()).toBe('storage.unavailable')
})

describe('the start-up probe', () => {
  test('finds quoted ETags on a store like AWS and leaves nothing behind', async () => {
    const { server, store, object } = await open()
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([])
    await object.write('two', await versionAfterWriting(object, 'one'), never)
    expect(server.requests.at(-1)?.headers['if-match']).toMatch(/^".+"$/)
  })

  test('finds that only unquoted ETags match on a store like Ceph', async () => {
    const { server, store, object } = await open({ fake: { etags: 'ceph' } })
    await store.probe(never)
    expect((await object.write('two', await versionAfterWriting(object, 'one'), never)).kind).toBe('written')
    expect(server.requests.at(-1)?.headers['if-match']).toMatch(/^[^"]+$/)
  })

  const unfit: [string, Setting, string][] = [
    ['ignores conditions', { fake: { conditions: 'ignored' } }, '"off" (If-None-Match: * was ignored)'],
    [
      'knows no conditions',
      { fake: { conditions: 'not-implemented' } },
      '"off" (If-None-Match: * on a new key was answered unsupported)',
    ],
    [
      'ignores If-Match',
      { fake: { conditions: 'create-only' } },
      '"create-only" (If-Match with an old ETag was accepted)',
    ],
    [
      'matches unquoted ETags only, where quoted ones are set',
      { fake: { etags: 'ceph' }, s3: { etagQuoting: 'quoted' } },
      '"create-only" (If-Match with the current ETag was refused)',
    ],
    [
      'gives other ETags to readers',
      { fake: { etags: 'weak-on-read' } },
      '"create-only" (a write and a read give different ETags)',
    ],
  ]
  test.each(unfit)('refuses a store that %s', async (_what, setting, mode) => {
    const { store } = await open(setting)
    const can = `its conditional writes are of mode ${mode}, the checkpoint needs "required"`
    await expect(store.probe(never)).rejects.toMatchObject({
      code: 'storage.no-conditional-writes',
      message: `probe s3://bucket/prefix: ${can}`,
    })
  })

  test('begins again where an answer tells nothing', async () => {
    const { server, store } = await open()
    server.next('PUT', undefined, { kind: 'lose-answer' }, undefined, undefined, {
      kind: 'answer',
      status: 500,
      code: 'InternalError',
    })
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([])
  })

  test('does not mind a store that forbids to delete', async () => {
    const { server, store } = await open()
    server.next('DELETE', { kind: 'answer', status: 403, code: 'AccessDenied' })
    await store.probe(never)
    expect([...server.objects.keys()]).toEqual([expect.stringMatching(/^prefix\/\.probe-/)])
  })

  test('of several replicas at once passes in all', async () => {
    const { server, store } = await open()
    await Promise.all(Array.from({ length: 10 }, () => store.probe(never)))
    expect([...server.objects.keys()]).toEqual([])
  })

  test('is refused without access', async () => {
    const { server, store } = await open()
    server.next('PUT', { kind: 'answer', status: 403, code: 'AccessDenied' })
    await expect(store.probe(never)).rejects.toMatchObject({ code: 'storage.refused' })
  })

  test('is unavailable while nobody listens', async () => {
    const { store } = await open({ s3: { endpoint: 'http://127.0.0.1:9' } })
    const error = await store.probe(never).catch((rejection) => rejection)
    expect(codeOf(error)).toBe('storage.unavailable')
    expect(error.message).toContain('ECONNREFUSED')
  })
})

test('an endpoint of its own is asked for paths, not for a host of the bucket', async () => {
  const { server } = await open()
  const { port } = new URL(server.endpoint)
  const elsewhere = await open({ s3: { endpoint: `http://localhost:${port}` } })
  await elsewhere.object.read(never)
  expect(server.requests[0]).toMatchObject({ line: `GET ${key}`, headers: { host: `localhost:${port}` } })
})

test('what is sent: encryption settings, a length, no chunks and no checksum that a custom store might not know', async () => {
  const s3 = { serverSideEncryption: 'aws:kms', kmsKeyId: 'key-1', bucketKeyEnabled: true } as const
  const { server, object } = await open({ s3 })
  await object.write('x'.repeat(3_000_000), null, never)
  expect(server.requests[0]?.headers).toMatchObject({
    'content-length': '3000000',
    'content-type': 'application/json',
    'if-none-match': '*',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    'x-amz-server-side-encryption-bucket-key-enabled': 'true',
  })
  const names = Object.keys(server.requests[0]?.headers ?? {})
  expect(names.filter((name) => /checksum|content-encoding|transfer-encoding|expect/.test(name))).toEqual([])
})

async function versionAfterWriting(object: ReturnType<ReturnType<typeof s3Store>['object']>, text: string) {
  const outcome = await object.write(text, null, never)
  if (outcome.kind !== 'written') throw new Error('unexpected conflict')
  return outcome.version
}

function expectNothingPlanted(error: ConnectorError) {
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('planted')
  if (error.cause !== undefined) expectNothingPlanted(error.cause as ConnectorError)
}

function source(path: string): string {
  return JSON.stringify(new URL(`../../connector/${path}`, import.meta.url).href)
}
