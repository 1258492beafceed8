import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'

export interface EndpointAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface EndpointParts {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly clock: Clock
  /** What each path answers; everything else is 404. */
  readonly paths: Readonly<Record<string, () => EndpointAnswer | Promise<EndpointAnswer>>>
  /** Hears of what failed in answering: a bug, or the system out of something. */
  readonly onError: (error: unknown) => void
}

export interface Endpoints {
  /** The port really listened on. */
  readonly port: number
  /** Stops listening; answers under way have a second, then their connections are cut. Never rejects. */
  close(): Promise<void>
}

const closeWithinMs = 1000
const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/**
 * Serves health and metrics: GET and HEAD only. Waits until it listens; rejects with `config.invalid` when it cannot, or with the reason
 * of `stop`.
 */
export async function endpoints(parts: EndpointParts, stop: AbortSignal): Promise<Endpoints> {
  const server = createServer({ requestTimeout: 5000, keepAliveTimeout: 5000 }, (request, response) => {
    void answer(request, response, parts)
  })
  await listening(server, parts, stop)
  server.on('error', parts.onError)
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return { port, close: () => close(server, parts.clock) }
}

async function listening(server: Server, { host, port }: EndpointParts, stop: AbortSignal): Promise<void> {
  stop.throwIfAborted()
  try {
    const heard = once(server, 'listening', { signal: stop })
    server.listen(port, host)
    await heard
  } catch (error) {
    server.close()
    stop.throwIfAborted()
    throw new ConnectorError('config.invalid', `HTTP_PORT: cannot listen on ${host}:${port}`, { cause: error })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: EndpointParts): Promise<void> {
  try {
    const { status, type, body } = await answerTo(request, parts)
    const allow = status === 405 ? { allow: 'GET, HEAD' } : {}
    response.writeHead(status, {
      ...headers,
      ...allow,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  } catch (error) {
    parts.onError(error)
    if (response.headersSent) response.destroy()
    else response.writeHead(500, headers).end()
  }
}

function answerTo(
  { method, url = '' }: IncomingMessage,
  { paths }: EndpointParts,
): EndpointAnswer | Promise<EndpointAnswer> {
  const path = url.split('?', 1)[0] ?? ''
  const found = Object.hasOwn(paths, path) ? paths[path] : undefined
  if (found === undefined) return text(404, 'not found')
  return method === 'GET' || method === 'HEAD' ? found() : text(405, 'GET and HEAD only')
}

export function text(status: number, body: string): EndpointAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

export function json(status: number, value: unknown): EndpointAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` }
}

async function close(server: Server, clock: Clock): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close() // idle connections end with it
  using patience = clock.deadline(closeWithinMs)
  patience.signal.addEventListener('abort', () => server.closeAllConnections(), { once: true })
  await closed
}
