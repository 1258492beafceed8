import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { ConnectorError } from '../runtime/connector-error.ts'

export interface EndpointAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

interface EndpointParts {
  /** The value 0 stands for any free port. */
  readonly port: number
  /** The response of each path; any other path is answered with 404. */
  readonly paths: Readonly<Record<string, () => EndpointAnswer | Promise<EndpointAnswer>>>
  /** Called when a response fails: a bug, or a system resource is exhausted. */
  readonly onError: (error: unknown) => void
}

export interface Endpoints {
  /** The actual port. */
  readonly port: number
  /** Stops listening, and closes all connections. Never rejects. */
  close(): Promise<void>
}

/**
 * They hold for a connection whose request does not arrive, too. Node looks for such connections only every 30 s by
 * default.
 */
const connectionLimits = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
/** Idle connections cost memory, which the streams need. Further ones are closed at once. */
const MAX_CONNECTIONS = 100
const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/**
 * Serves health, metrics and the status page: GET and HEAD only. Resolves when it listens. Rejects with
 * `config.invalid` if it cannot, or with the reason of `stop`.
 */
export async function endpoints(parts: EndpointParts, stop: AbortSignal): Promise<Endpoints> {
  const server = createServer(connectionLimits, (request, response) => void sendAnswer(request, response, parts))
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, parts, stop)
  server.on('error', parts.onError)
  const { port } = server.address() as AddressInfo // never null or a string for a listening TCP server
  return { port, close: () => closeServer(server) }
}

async function listen(server: Server, { port }: EndpointParts, stop: AbortSignal) {
  stop.throwIfAborted()
  try {
    const isListening = once(server, 'listening', { signal: stop })
    server.listen(port)
    await isListening
  } catch (error) {
    server.close()
    stop.throwIfAborted()
    const { code = 'failed' }: { code?: string } = Object(error)
    const why = code === 'EADDRINUSE' ? `the port is already in use (${code})` : code
    throw new ConnectorError('config.invalid', `listen on HTTP_PORT ${port}: ${why}`)
  }
}

async function sendAnswer(request: IncomingMessage, response: ServerResponse, parts: EndpointParts) {
  try {
    const { status, type, body, headers: own } = await answerOf(request, parts)
    const length = Buffer.byteLength(body)
    response.writeHead(status, { ...headers, ...own, 'content-type': type, 'content-length': length })
    response.end(request.method === 'HEAD' ? undefined : body)
  } catch (error) {
    parts.onError(error)
    if (response.headersSent) response.destroy()
    else response.writeHead(500, headers).end()
  }
}

async function answerOf({ method, url = '' }: IncomingMessage, { paths }: EndpointParts): Promise<EndpointAnswer> {
  const path = url.split('?', 1)[0] ?? ''
  const found = Object.hasOwn(paths, path) ? paths[path] : undefined
  if (found === undefined) return textAnswer(404, 'not found')
  if (method === 'GET' || method === 'HEAD') return await found()
  return { ...textAnswer(405, 'GET and HEAD only'), headers: { allow: 'GET, HEAD' } }
}

export function textAnswer(status: number, body: string): EndpointAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

function jsonAnswer(status: number, value: unknown): EndpointAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` }
}

async function closeServer(server: Server) {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

/** Returns the response of each path of the HTTP port. `status` returns what /status and /readyz show. */
export function servedPaths(registry: Registry, status: () => { readonly ready: boolean }): EndpointParts['paths'] {
  const page = statusPage()
  return {
    '/': () => page,
    // It proves only that the event loop runs.
    '/healthz': () => textAnswer(200, 'ok'),
    '/readyz': () => {
      const now = status()
      return jsonAnswer(now.ready ? 200 : 503, now)
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    '/status': () => jsonAnswer(200, status()),
  }
}

/** Returns the status page: one file without external assets, which reads /status. */
function statusPage(): EndpointAnswer {
  const body = readFileSync(new URL('page/status-page.html', import.meta.url), 'utf8')
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body,
    headers: {
      'content-security-policy': securityPolicy(body),
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
  }
}

/** Returns a policy that allows only the page's own style and script, by their hashes, and requests to this server. */
function securityPolicy(html: string) {
  return [
    `default-src 'none'`,
    `style-src ${hashOf(html, 'style')}`,
    `script-src ${hashOf(html, 'script')}`,
    `connect-src 'self'`,
    `img-src data:`, // its icon
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

function hashOf(html: string, tag: 'style' | 'script') {
  const [, text = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? []
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
