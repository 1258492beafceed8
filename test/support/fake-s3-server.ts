import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What goes wrong with one request. */
export type FakeS3Fault =
  /** Nothing happens, this is the answer. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string; readonly html?: string }
  /** It happens, but this is the answer. */
  | { readonly kind: 'answer-instead'; readonly status: number; readonly code: string }
  /** It happens, and the connection breaks. */
  | { readonly kind: 'lose-answer' }
  /** Nothing happens, and the connection breaks. */
  | { readonly kind: 'lose-request' }
  /** Nothing happens, and no answer comes. */
  | { readonly kind: 'hang' }
  /** It happens, and no answer comes. */
  | { readonly kind: 'hang-after' }
  /** Nothing happens, and for ever something comes that is not the answer. */
  | { readonly kind: 'processing' }
  /** No answer comes, and it happens when `arrive` is called. */
  | { readonly kind: 'late' }
  /** Half of the body comes, then the connection breaks or is silent. */
  | { readonly kind: 'half-body'; readonly ending: 'break' | 'silence' }
  /** Somebody else does this to the object first. */
  | { readonly kind: 'meanwhile'; readonly change: (objects: Map<string, FakeS3Object>, key: string) => void }

export interface FakeS3Object {
  readonly body: Buffer
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

export interface FakeS3Options {
  /** `aws`: quoted and unquoted ones match; `ceph`: unquoted only; `weak-on-read`: as behind a proxy that compresses. */
  readonly etags?: 'aws' | 'ceph' | 'weak-on-read'
  /** `ignored`: always stored; `create-only`: If-Match ignored; `not-implemented`: 501. */
  readonly conditions?: 'both' | 'create-only' | 'ignored' | 'not-implemented'
}

export interface FakeS3 {
  readonly endpoint: string
  /** By key, whatever the bucket. */
  readonly objects: Map<string, FakeS3Object>
  /** `METHOD key` of each request, in order, with its headers. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  /** Queues faults for the coming requests with this method, one each; undefined lets one pass. */
  next(method: 'GET' | 'PUT' | 'DELETE', ...faults: readonly (FakeS3Fault | undefined)[]): void
  /** Lets the requests that were late happen now; resolves with the status that each would have been answered. */
  arrive(): number[]
  close(): Promise<void>
}

/** An object store in this process, for what a real one cannot be told to do. Takes any credentials. */
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
    arrive: () => late.splice(0).map((happen) => happen().status),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** An object as the fake keeps it. */
export function fakeObject(text: string, headers: Readonly<Record<string, string>> = {}): FakeS3Object {
  const body = Buffer.from(text)
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"`, headers }
}

interface Exchange extends Required<FakeS3Options> {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly key: string
  readonly objects: Map<string, FakeS3Object>
  readonly late: (() => Answer)[]
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

async function serve(exchange: Exchange, fault: FakeS3Fault | undefined): Promise<void> {
  const { incoming, outgoing, objects, key } = exchange
  const body = await buffer(incoming)
  const done = () => answerTo(exchange, body)
  switch (fault?.kind) {
    case undefined:
      return send(outgoing, done())
    case 'answer':
      return send(
        outgoing,
        fault.html === undefined ? errorAnswer(fault.status, fault.code) : htmlAnswer(fault.status, fault.html),
      )
    case 'answer-instead':
      done()
      return send(outgoing, errorAnswer(fault.status, fault.code))
    case 'lose-answer':
      done()
      incoming.socket.destroy()
      return
    case 'lose-request':
      incoming.socket.destroy()
      return
    case 'hang':
      return
    case 'hang-after':
      done()
      return
    case 'processing': {
      const timer = setInterval(() => outgoing.writeProcessing(), 20)
      incoming.socket.once('close', () => clearInterval(timer))
      return
    }
    case 'late':
      exchange.late.push(done)
      return
    case 'half-body':
      return sendHalf(exchange, done(), fault.ending)
    case 'meanwhile':
      fault.change(objects, key)
      return send(outgoing, done())
  }
}

function answerTo({ incoming, key, objects, ...rules }: Exchange, body: Buffer): Answer {
  const current = objects.get(key)
  switch (incoming.method) {
    case 'PUT': {
      const refusal = refusalOf(incoming.headers, current, rules)
      if (refusal !== undefined) return refusal
      const kept = Object.entries(incoming.headers).filter(([name]) => name.startsWith('x-amz-server-side'))
      const stored = fakeObject(body.toString(), Object.fromEntries(kept) as Record<string, string>)
      objects.set(key, stored)
      return { status: 200, headers: { etag: stored.etag }, body: '' }
    }
    case 'DELETE':
      objects.delete(key)
      return { status: 204, headers: {}, body: '' }
    default:
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
