import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** What happens to one request. */
export type S3Fault =
  /** The store never sees it. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string }
  /** The store does it, but the client gets this answer instead. */
  | { readonly kind: 'answer-instead'; readonly status: number; readonly code?: string }
  /** The store does it, and the connection breaks. */
  | { readonly kind: 'lose-answer' }
  /** The store never sees it, and no answer comes. */
  | { readonly kind: 'hang' }
  /** The store does it, and no answer comes. */
  | { readonly kind: 'hang-after' }
  /** The store sees it later, even if the client has given up. */
  | { readonly kind: 'delay'; readonly ms: number }

/** A request as the store got it, and what it answered. */
export interface S3Exchange {
  readonly method: string
  readonly path: string
  readonly ifMatch: string | undefined
  readonly body: Buffer
  /** `undefined` when the store broke off: it may have done it or not. */
  readonly status: number | undefined
}

/** An HTTP proxy in front of an S3 store. It forwards the `Host` header as received, so that signatures stay valid. */
export interface S3FaultProxy {
  readonly endpoint: string
  /** How many requests it has received, by method. */
  readonly received: ReadonlyMap<string, number>
  /** Queues faults for the coming requests with this method, one each; resolves when all have happened. */
  next(method: 'GET' | 'PUT' | 'HEAD' | 'DELETE', ...faults: readonly S3Fault[]): Promise<void>
  /** Keeps the answer to the next request that `isTarget` and that the store has done, until `letGo` aborts; resolves when it has one. */
  holdAnswer(isTarget: (exchange: S3Exchange) => boolean, letGo: AbortSignal): Promise<void>
  /** Forgets the faults that have not happened. */
  clear(): void
  /** Ends every connection and refuses new ones until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

export interface S3ProxyOptions {
  /** The store. */
  readonly target: string
  /** Hears of every request that the store got, before the client knows the answer. */
  readonly onExchange?: (exchange: S3Exchange) => void
}

export async function startS3FaultProxy({ target, onExchange }: S3ProxyOptions): Promise<S3FaultProxy> {
  const port = await freePort()
  const agent = new Agent({ keepAlive: true })
  const queues = new Map<string, QueuedFault[]>()
  const received = new Map<string, number>()
  const held = heldAnswers()
  const store = {
    ...{ target, agent },
    passed: async (exchange: S3Exchange) => {
      onExchange?.(exchange)
      await held.pass(exchange)
    },
  }
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? ''
    received.set(method, (received.get(method) ?? 0) + 1)
    const queued = queues.get(method)?.shift()
    void serve({ incoming, outgoing, ...store }, queued?.fault)
      .catch(() => incoming.socket.destroy())
      .then(queued?.done)
  })
  const { up, down } = switchFor(server, port)
  await up()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    next: async (method, ...faults) => {
      const happened = faults.map((fault) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        queues.set(method, [...(queues.get(method) ?? []), { fault, done: resolve }])
        return promise
      })
      await Promise.all(happened)
    },
    holdAnswer: held.hold,
    clear: () => queues.clear(),
    up,
    down,
    close: async () => {
      await down()
      agent.destroy()
    },
  }
}

interface QueuedFault {
  readonly fault: S3Fault
  readonly done: () => void
}

/** Answers that wait until somebody lets them go. */
function heldAnswers() {
  const wanted = new Set<{ isTarget: (exchange: S3Exchange) => boolean; letGo: AbortSignal; seen: () => void }>()
  return {
    hold: (isTarget: (exchange: S3Exchange) => boolean, letGo: AbortSignal) =>
      new Promise<void>((seen) => void wanted.add({ isTarget, letGo, seen })),
    pass: async (exchange: S3Exchange) => {
      for (const one of wanted) {
        if (one.letGo.aborted) wanted.delete(one)
        if (exchange.status !== 200 || !wanted.has(one) || !one.isTarget(exchange)) continue
        wanted.delete(one)
        one.seen()
        await once(one.letGo, 'abort')
        return
      }
    },
  }
}

function switchFor(server: Server, port: number) {
  return {
    up: async () => {
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    down: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly target: string
  readonly agent: Agent
  /** Told of what the store did; the answer waits for it. */
  passed(exchange: S3Exchange): Promise<void>
}

interface StoreAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

async function serve(exchange: Exchange, fault: S3Fault | undefined): Promise<void> {
  const body = await buffer(exchange.incoming)
  const { outgoing } = exchange
  switch (fault?.kind) {
    case undefined:
      return answer(outgoing, await forward(exchange, body))
    case 'answer':
      return answer(outgoing, errorAnswer(fault))
    case 'answer-instead':
      await forward(exchange, body)
      return answer(outgoing, errorAnswer(fault))
    case 'lose-answer':
      await forward(exchange, body)
      exchange.incoming.socket.destroy()
      return
    case 'hang':
      return
    case 'hang-after':
      await forward(exchange, body)
      return
    case 'delay':
      await delay(fault.ms)
      return answer(outgoing, await forward(exchange, body))
  }
}

async function forward(exchange: Exchange, body: Buffer): Promise<StoreAnswer> {
  const { method = 'GET', url = '/', headers } = exchange.incoming
  const asked = { method, path: url.split('?')[0] ?? url, ifMatch: headers['if-match'], body }
  try {
    const answer = await forwarded(exchange, body)
    await exchange.passed({ ...asked, status: answer.status })
    return answer
  } catch (error) {
    await exchange.passed({ ...asked, status: undefined })
    throw error
  }
}

async function forwarded({ incoming, target, agent }: Exchange, body: Buffer): Promise<StoreAnswer> {
  const { method = 'GET', url = '/', rawHeaders } = incoming
  const outgoing = request(new URL(url, target), { method, headers: rawHeaders, agent, setHost: false })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 502, headers: response.rawHeaders, body: await buffer(response) }
}

function answer(outgoing: ServerResponse, { status, headers, body }: StoreAnswer): void {
  outgoing.writeHead(status, [...headers])
  outgoing.end(body)
}

function errorAnswer({ status, code = 'InternalError' }: { status: number; code?: string }): StoreAnswer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`)
  return { status, headers: ['content-type', 'application/xml', 'content-length', `${body.length}`], body }
}
