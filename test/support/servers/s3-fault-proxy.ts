import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { freePort } from './free-port.ts'

/** A fault of one request. */
export type S3Fault =
  /** The store executes the request, but the client gets this response. */
  | { readonly kind: 'answer-instead'; readonly status: number }
  /** The store executes the request, then the connection closes. */
  | { readonly kind: 'lose-answer' }
  /** No response; the store never receives the request. */
  | { readonly kind: 'hang' }
  /** The store executes the request, but no response is sent. */
  | { readonly kind: 'hang-after' }

/** A request as the store received it, and its response. */
export interface S3Exchange {
  readonly method: string
  readonly path: string
  readonly ifMatch: string | undefined
  readonly body: Buffer
  /** Undefined when the store closed the connection; it may or may not have executed the request. */
  readonly status: number | undefined
}

/** An HTTP proxy in front of an S3 store. It forwards the `Host` header unchanged, so that signatures stay valid. */
export interface S3FaultProxy {
  readonly endpoint: string
  /** Number of requests received, by method. */
  readonly received: ReadonlyMap<string, number>
  /** Queues faults for the next requests with this method, one per request. */
  next(method: 'GET' | 'PUT', ...faults: readonly S3Fault[]): void
  /** Holds the next successful response that `isTarget` until `release` aborts; resolves once held. */
  holdAnswer(isTarget: (exchange: S3Exchange) => boolean, release: AbortSignal): Promise<void>
  /** Removes the queued faults. */
  clear(): void
  close(): Promise<void>
}

export interface S3ProxyOptions {
  /** URL of the store. */
  readonly target: string
  /** Called for every request that the store received, before the client gets the response. */
  readonly onExchange?: (exchange: S3Exchange) => void
}

export async function startS3FaultProxy({ target, onExchange }: S3ProxyOptions): Promise<S3FaultProxy> {
  const port = await freePort()
  const agent = new Agent({ keepAlive: true })
  const queues = new Map<string, S3Fault[]>()
  const received = new Map<string, number>()
  const held = heldAnswers()
  const store = {
    target,
    agent,
    passed: async (exchange: S3Exchange) => {
      onExchange?.(exchange)
      await held.pass(exchange)
    },
  }
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? ''
    received.set(method, (received.get(method) ?? 0) + 1)
    void serve({ incoming, outgoing, ...store }, queues.get(method)?.shift()).catch(() => incoming.socket.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    next: (method, ...faults) => void queues.set(method, [...(queues.get(method) ?? []), ...faults]),
    holdAnswer: held.hold,
    clear: () => queues.clear(),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

/** Holds responses until they are released. */
function heldAnswers() {
  const wanted = new Set<{ isTarget: (exchange: S3Exchange) => boolean; release: AbortSignal; seen: () => void }>()
  return {
    hold: (isTarget: (exchange: S3Exchange) => boolean, release: AbortSignal) =>
      new Promise<void>((seen) => void wanted.add({ isTarget, release, seen })),
    pass: async (exchange: S3Exchange) => {
      for (const one of wanted) {
        if (one.release.aborted) wanted.delete(one)
        if (exchange.status !== 200 || !wanted.has(one) || !one.isTarget(exchange)) continue
        wanted.delete(one)
        one.seen()
        await once(one.release, 'abort')
        return
      }
    },
  }
}

interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly target: string
  readonly agent: Agent
  /** Called after the store has responded; the response is held until this resolves. */
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
    case 'answer-instead':
      await forward(exchange, body)
      return answer(outgoing, errorAnswer(fault.status))
    case 'lose-answer':
      await forward(exchange, body)
      exchange.incoming.socket.destroy()
      return
    case 'hang':
      return
    case 'hang-after':
      await forward(exchange, body)
      return
  }
}

async function forward(exchange: Exchange, body: Buffer): Promise<StoreAnswer> {
  const { method = 'GET', url = '/', headers } = exchange.incoming
  const sent = { method, path: url.split('?')[0] ?? url, ifMatch: headers['if-match'], body }
  try {
    const answer = await forwarded(exchange, body)
    await exchange.passed({ ...sent, status: answer.status })
    return answer
  } catch (error) {
    await exchange.passed({ ...sent, status: undefined })
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

function errorAnswer(status: number): StoreAnswer {
  const body = Buffer.from('<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code></Error>')
  return { status, headers: ['content-type', 'application/xml', 'content-length', `${body.length}`], body }
}
