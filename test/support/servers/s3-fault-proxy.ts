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

/** An HTTP proxy in front of an S3 store. It forwards the `Host` header as received, so that signatures stay valid. */
export interface S3FaultProxy {
  readonly endpoint: string
  /** How many requests it has received, by method. */
  readonly received: ReadonlyMap<string, number>
  /** Queues faults for the coming requests with this method, one each. */
  next(method: 'GET' | 'PUT' | 'HEAD' | 'DELETE', ...faults: readonly S3Fault[]): void
  /** Forgets the faults that have not happened. */
  clear(): void
  /** Ends every connection and refuses new ones until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

export async function startS3FaultProxy({ target }: { target: string }): Promise<S3FaultProxy> {
  const port = await freePort()
  const agent = new Agent({ keepAlive: true })
  const queues = new Map<string, S3Fault[]>()
  const received = new Map<string, number>()
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? ''
    received.set(method, (received.get(method) ?? 0) + 1)
    const fault = queues.get(method)?.shift()
    void serve({ incoming, outgoing, target, agent }, fault).catch(() => incoming.socket.destroy())
  })
  const { up, down } = switchFor(server, port)
  await up()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    next: (method, ...faults) => void queues.set(method, [...(queues.get(method) ?? []), ...faults]),
    clear: () => queues.clear(),
    up,
    down,
    close: async () => {
      await down()
      agent.destroy()
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

async function forward({ incoming, target, agent }: Exchange, body: Buffer): Promise<StoreAnswer> {
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
