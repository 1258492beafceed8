import { GetObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { beforeAll, expect, test } from 'vitest'
import { closingAfterAll } from '../../support/closing.ts'
import { type S3Exchange, type S3FaultProxy, startS3FaultProxy } from '../../support/servers/s3-fault-proxy.ts'
import { type S3Server, startS3 } from '../../support/servers/s3-server.ts'

const closing = closingAfterAll()
let server: S3Server
let proxy: S3FaultProxy
let direct: S3Client
const seen: S3Exchange[] = []
let proxied: S3Client

beforeAll(async () => {
  server = closing.use(await startS3(), (started) => started.close())
  const onExchange = (exchange: S3Exchange) => void seen.push(exchange)
  proxy = closing.use(await startS3FaultProxy({ target: server.endpoint, onExchange }), (started) => started.close())
  direct = client({ endpoint: server.endpoint })
  proxied = client({ endpoint: proxy.endpoint, maxAttempts: 1 })
})

function client(config: S3ClientConfig): S3Client {
  const { region, accessKeyId, secretAccessKey } = server
  const credentials = { accessKeyId, secretAccessKey }
  const requestHandler = { requestTimeout: 500, throwOnRequestTimeout: true }
  const made = new S3Client({ region, forcePathStyle: true, credentials, requestHandler, ...config })
  return closing.use(made, () => made.destroy())
}

const put = (store: S3Client, Key: string, Body: string, condition = {}) =>
  store.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body, ...condition }))

async function get(store: S3Client, Key: string): Promise<string | undefined> {
  const { Body } = await store.send(new GetObjectCommand({ Bucket: server.bucket, Key }))
  return Body?.transformToString()
}

const statusOf = (failure: Promise<unknown>) =>
  failure.then(
    () => 200,
    (error) => error.$metadata?.httpStatusCode ?? error.name,
  )

test('only one of two concurrent writes with the same condition succeeds', async () => {
  const created = await put(direct, 'raced', 'first', { IfNoneMatch: '*' })
  const writers = ['a', 'b'].map((body) => statusOf(put(direct, 'raced', body, { IfMatch: created.ETag })))
  expect((await Promise.all(writers)).sort()).toEqual([200, 412])
})

test('an object survives a kill and a restart of the server', async (context) => {
  if (server.kind === 'moto') context.skip('moto stores nothing on disk; install Go for versitygw')
  await put(direct, 'kept', 'text')
  await server.stop()
  await expect(get(direct, 'kept')).rejects.toThrow('ECONNREFUSED')
  await server.start()
  expect(await get(direct, 'kept')).toBe('text')
})

test('signatures stay valid through the proxy, which counts the requests', async () => {
  const before = proxy.received.get('PUT') ?? 0
  await put(proxied, 'through', 'text')
  expect(await get(proxied, 'through')).toBe('text')
  expect(proxy.received.get('PUT')).toBe(before + 1)
})

test('the server rejects a wrong signature', async (context) => {
  if (server.kind === 'moto') context.skip('moto checks no signatures; install Go for versitygw')
  const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: 'wrong' }
  expect(await statusOf(get(client({ endpoint: server.endpoint, credentials }), 'through'))).toBe(403)
})

const lost = [
  [{ kind: 'answer', status: 500 }, 500, 'old'],
  [{ kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }, 409, 'old'],
  [{ kind: 'answer-instead', status: 500 }, 500, 'new'],
  [{ kind: 'lose-answer' }, 'TimeoutError', 'new'],
  [{ kind: 'hang' }, 'TimeoutError', 'old'],
  [{ kind: 'hang-after' }, 'TimeoutError', 'new'],
] as const
test.for(lost)('after the fault %j, a PUT fails with %s and the %s text is stored', async ([fault, status, stored]) => {
  await put(direct, 'faulty', 'old')
  proxy.next('PUT', fault)
  expect(await statusOf(put(proxied, 'faulty', 'new'))).toBe(status)
  expect(await get(direct, 'faulty')).toBe(stored)
})

test('a fault applies once, and only to its method', async () => {
  proxy.next('PUT', { kind: 'answer', status: 503 })
  await put(direct, 'once', 'text')
  expect(await get(proxied, 'once')).toBe('text')
  expect(await statusOf(put(proxied, 'once', 'new'))).toBe(503)
  expect(await statusOf(put(proxied, 'once', 'new'))).toBe(200)
})

test('a delayed PUT takes effect after its writer has given up', async () => {
  await put(direct, 'late', 'old')
  proxy.next('PUT', { kind: 'delay', ms: 700 })
  expect(await statusOf(put(proxied, 'late', 'new'))).toBe('TimeoutError')
  expect(await get(direct, 'late')).toBe('old')
  await expect.poll(() => get(direct, 'late')).toBe('new')
})

test('the proxy refuses connections while it is down', async () => {
  await proxy.down()
  await expect(get(proxied, 'through')).rejects.toThrow('ECONNREFUSED')
  await proxy.up()
  expect(await get(proxied, 'through')).toBe('text')
})

test('the proxy holds a response after the store has executed the request, and reports the exchange', async () => {
  const release = new AbortController()
  const held = proxy.holdAnswer(({ path }) => path.endsWith('/held'), release.signal)
  const answer = put(proxied, 'held', 'text')
  await held
  expect(await get(direct, 'held')).toBe('text')
  expect(seen.at(-1)).toMatchObject({ method: 'PUT', status: 200, ifMatch: undefined, body: Buffer.from('text') })
  release.abort()
  await answer
})
