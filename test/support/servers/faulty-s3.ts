import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A fault of one request. */
export type S3Fault =
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
  | { readonly kind: 'meanwhile'; readonly change: () => void }

/** A request, as the store behind the faults receives it. */
export interface S3Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export interface S3Answer {
  readonly status: number
  /** Without the length. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

/** An HTTP server in front of a store. */
export interface FaultyS3 {
  readonly endpoint: string
  /** Number of requests received, by method. */
  readonly received: ReadonlyMap<string, number>
  /** Queues faults for the next requests with this method, one per request; undefined lets a request pass. */
  next(method: 'GET' | 'PUT' | 'DELETE', ...faults: readonly (S3Fault | undefined)[]): void
  /** Removes the queued faults. */
  clear(): void
  /** Applies the late requests; resolves to the status that each would have received. */
  arrive(): Promise<number[]>
  close(): Promise<void>
}

export interface StoreBehind {
  /** Executes a request; rejects when the connection is to be closed. */
  readonly execute: (request: S3Request) => S3Answer | Promise<S3Answer>
  /** Called for each request, before its fault. */
  readonly onRequest?: (request: S3Request) => void
}

export async function startFaultyS3({ execute, onRequest }: StoreBehind): Promise<FaultyS3> {
  const queues = new Map<string, (S3Fault | undefined)[]>()
  const received = new Map<string, number>()
  const late: (() => S3Answer | Promise<S3Answer>)[] = []
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = '', url = '/', headers, rawHeaders } = incoming
    received.set(method, (received.get(method) ?? 0) + 1)
    const fault = queues.get(method)?.shift()
    const request = { method, url, headers, rawHeaders, body: await buffer(incoming) }
    onRequest?.(request)
    await respond({ outgoing, apply: () => execute(request), late }, fault)
  }
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => incoming.socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    next: (method, ...faults) => void queues.set(method, [...(queues.get(method) ?? []), ...faults]),
    clear: () => queues.clear(),
    arrive: () => Promise.all(late.splice(0).map(async (apply) => (await apply()).status)),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Exchange {
  readonly outgoing: ServerResponse
  readonly apply: () => S3Answer | Promise<S3Answer>
  readonly late: (() => S3Answer | Promise<S3Answer>)[]
}

async function respond({ outgoing, apply, late }: Exchange, fault: S3Fault | undefined): Promise<unknown> {
  switch (fault?.kind) {
    case undefined:
      return send(outgoing, await apply())
    case 'answer':
      return send(outgoing, fault.html === undefined ? errorAnswer(fault.status, fault.code) : htmlAnswer(fault))
    case 'answer-instead':
      await apply()
      return send(outgoing, errorAnswer(fault.status, fault.code))
    case 'lose-answer':
      await apply()
      return outgoing.destroy()
    case 'lose-request':
      return outgoing.destroy()
    case 'hang':
      return
    case 'hang-after':
      return await apply()
    case 'processing': {
      const timer = setInterval(() => outgoing.writeProcessing(), 20)
      return outgoing.once('close', () => clearInterval(timer))
    }
    case 'late':
      return late.push(apply)
    case 'half-body':
      return sendHalf(outgoing, await apply(), fault.ending)
    case 'without-length': {
      const { status, headers, body } = await apply()
      outgoing.writeHead(status, headers).write(body)
      return outgoing.end()
    }
    case 'meanwhile':
      fault.change()
      return send(outgoing, await apply())
  }
}

export function errorAnswer(status: number, code?: string): S3Answer {
  const body =
    code === undefined
      ? ''
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted secret</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'req-1' }, body }
}

const htmlAnswer = ({ status, html = '' }: { readonly status: number; readonly html?: string }): S3Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: html,
})

function send(outgoing: ServerResponse, { status, headers, body }: S3Answer): void {
  outgoing.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }) })
  outgoing.end(body)
}

function sendHalf(outgoing: ServerResponse, { status, headers, body }: S3Answer, ending: 'break' | 'silence'): void {
  const whole = Buffer.from(body as Buffer)
  outgoing.writeHead(status, { ...headers, 'content-length': whole.length })
  outgoing.write(whole.subarray(0, whole.length / 2), () => {
    if (ending === 'break') outgoing.destroy()
  })
}
