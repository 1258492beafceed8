import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A fault of one request. */
export type FakeS3Fault =
  /** Responds with this, without effect. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string; readonly html?: string }
  /** Takes effect, but responds with this instead. */
  | { readonly kind: 'answer-instead'; readonly status: number; readonly code: string }
  /** Takes effect, then closes the connection. */
  | { readonly kind: 'lose-answer' }
  /** Closes the connection, without effect. */
  | { readonly kind: 'lose-request' }
  /** Never responds, without effect. */
  | { readonly kind: 'hang' }
  /** Takes effect, but never responds. */
  | { readonly kind: 'hang-after' }
  /** Sends 102 Processing indefinitely, without effect. */
  | { readonly kind: 'processing' }
  /** Never responds; takes effect when `arrive` is called. */
  | { readonly kind: 'late' }
  /** Sends half of the body, then closes the connection (`break`) or sends nothing more (`silence`). */
  | { readonly kind: 'half-body'; readonly ending: 'break' | 'silence' }
  /** Like a proxy that re-chunks the body: responds without Content-Length. */
  | { readonly kind: 'without-length' }
  /** Another client changes the object just before. */
  | { readonly kind: 'meanwhile'; readonly change: (objects: Map<string, FakeS3Object>, key: string) => void }

export interface FakeS3Object {
  readonly body: Buffer
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

export interface FakeS3Options {
  /** `aws`: matches quoted and unquoted ETags; `ceph`: only unquoted; `weak-on-read`: like a compressing proxy. */
  readonly etags?: 'aws' | 'ceph' | 'weak-on-read'
  /** `ignored`: every write succeeds; `create-only`: ignores If-Match; `not-implemented`: responds 501. */
  readonly conditions?: 'both' | 'create-only' | 'ignored' | 'not-implemented'
}

export interface FakeS3 {
  readonly endpoint: string
  /** By key; all buckets share one key space. */
  readonly objects: Map<string, FakeS3Object>
  /** All requests in order; `line` is `METHOD key`. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  /** Queues faults for the next requests with this method, one per request; undefined lets a request pass. */
  next(method: 'GET' | 'PUT' | 'DELETE', ...faults: readonly (FakeS3Fault | undefined)[]): void
  /** Applies the late requests; returns the status that each would have received. */
  arrive(): number[]
  close(): Promise<void>
}

/** An in-process object store, for behaviour that a real one cannot be made to show. Accepts any credentials. */
export async function startFakeS3({ etags = 'aws', conditions = 'both' }: FakeS3Options = {}): Promise<FakeS3> {
  const objects = new Map<string, FakeS3Object>()
  const requests: FakeS3['requests'] = []
  const late: (() => Answer)[] = []
  const queues = new Map<string, (FakeS3Fault | undefined)[]>()

  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '/', headers } = incoming
    const key = decodeURIComponent(new URL(url, 'http://fake').pathname.split('/').slice(2).join('/'))
    requests.push({ line: `${method} ${key}`, headers })
    const fault = queues.get(method)?.shift()
    const exchange = { incoming, outgoing, key, objects, late, etags, conditions }
    void serve(exchange, fault).catch(() => incoming.socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    next: (method, ...faults) => void queues.set(method, [...(queues.get(method) ?? []), ...faults]),
    arrive: () => late.splice(0).map((apply) => apply().status),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** An object as the fake stores it. */
export function fakeObject(content: string | Buffer, headers: Readonly<Record<string, string>> = {}): FakeS3Object {
  const body = typeof content === 'string' ? Buffer.from(content) : content
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"`, headers }
}

/** What the fake S3 answers. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

function errorAnswer(status: number, code?: string): Answer {
  const body =
    code === undefined
      ? ''
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted secret</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'req-1' }, body }
}

const htmlAnswer = (status: number, html: string): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: html,
})

/** A page of ListObjectsV2. Its token is the last key. */
function listing(url: string, stored: readonly string[]): Answer {
  const asked = new URL(url, 'http://fake').searchParams
  const after = asked.get('continuation-token') ?? ''
  const keys = stored.filter((key) => key.startsWith(asked.get('prefix') ?? '') && key > after).sort()
  const page = keys.slice(0, 1000)
  const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`)
  const token = page.length < keys.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  const body = `<ListBucketResult>${contents.join('')}${token}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

interface Exchange extends Required<FakeS3Options> {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly key: string
  readonly objects: Map<string, FakeS3Object>
  readonly late: (() => Answer)[]
}

async function serve(exchange: Exchange, fault: FakeS3Fault | undefined): Promise<void> {
  const { incoming, outgoing, objects, key } = exchange
  const body = await buffer(incoming)
  const apply = () => answerTo(exchange, body)
  switch (fault?.kind) {
    case undefined:
      return send(outgoing, apply())
    case 'answer':
      return send(
        outgoing,
        fault.html === undefined ? errorAnswer(fault.status, fault.code) : htmlAnswer(fault.status, fault.html),
      )
    case 'answer-instead':
      apply()
      return send(outgoing, errorAnswer(fault.status, fault.code))
    case 'lose-answer':
      apply()
      incoming.socket.destroy()
      return
    case 'lose-request':
      incoming.socket.destroy()
      return
    case 'hang':
      return
    case 'hang-after':
      apply()
      return
    case 'processing': {
      const timer = setInterval(() => outgoing.writeProcessing(), 20)
      incoming.socket.once('close', () => clearInterval(timer))
      return
    }
    case 'late':
      exchange.late.push(apply)
      return
    case 'half-body':
      return sendHalf(exchange, apply(), fault.ending)
    case 'without-length': {
      const { status, headers, body } = apply()
      outgoing.writeHead(status, headers).write(body)
      outgoing.end()
      return
    }
    case 'meanwhile':
      fault.change(objects, key)
      return send(outgoing, apply())
  }
}

function answerTo({ incoming, key, objects, ...rules }: Exchange, body: Buffer): Answer {
  const current = objects.get(key)
  switch (incoming.method) {
    case 'PUT': {
      const refusal = refusalOf(incoming.headers, current, rules)
      if (refusal !== undefined) return refusal
      const kept = Object.entries(incoming.headers).filter(([name]) => name.startsWith('x-amz-server-side'))
      const stored = fakeObject(body, Object.fromEntries(kept) as Record<string, string>)
      objects.set(key, stored)
      return { status: 200, headers: { etag: stored.etag }, body: '' }
    }
    case 'DELETE':
      objects.delete(key)
      return { status: 204, headers: {}, body: '' }
    default:
      if (key === '') return listing(incoming.url ?? '', [...objects.keys()])
      if (current === undefined) return errorAnswer(404, 'NoSuchKey')
      return { status: 200, headers: { ...current.headers, etag: readEtag(current, rules) }, body: current.body }
  }
}

const readEtag = ({ etag }: FakeS3Object, { etags }: Required<FakeS3Options>) =>
  etags === 'weak-on-read' ? `W/${etag}` : etag

function refusalOf(
  headers: IncomingMessage['headers'],
  current: FakeS3Object | undefined,
  { etags, conditions }: Required<FakeS3Options>,
): Answer | undefined {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = headers
  if (ifNoneMatch === undefined && ifMatch === undefined) return undefined
  if (conditions === 'not-implemented') return errorAnswer(501, 'NotImplemented')
  if (conditions === 'ignored') return undefined
  if (ifNoneMatch !== undefined) return current === undefined ? undefined : errorAnswer(412, 'PreconditionFailed')
  if (conditions === 'create-only') return undefined
  if (current === undefined) return errorAnswer(404, 'NoSuchKey')
  const bare = current.etag.replaceAll('"', '')
  const accepted = etags === 'ceph' ? [bare] : [bare, current.etag]
  return accepted.includes(ifMatch ?? '') ? undefined : errorAnswer(412, 'PreconditionFailed')
}

function send(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }) })
  outgoing.end(body)
}

function sendHalf(
  { incoming, outgoing }: Exchange,
  { status, headers, body }: Answer,
  ending: 'break' | 'silence',
): void {
  const whole = Buffer.from(body as Buffer)
  outgoing.writeHead(status, { ...headers, 'content-length': whole.length })
  outgoing.write(whole.subarray(0, whole.length / 2), () => {
    if (ending === 'break') incoming.socket.destroy()
  })
}
