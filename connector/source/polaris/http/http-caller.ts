import { once } from 'node:events'
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock } from '../../../runtime/clock.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { serverOf } from '../../../runtime/network.ts'
import type { ObserveSource } from '../../client-source.ts'
import { bodyError, networkError } from '../answer/network-error.ts'
import type { PolarisConfig } from '../polaris-config.ts'
import type { AccountGate } from '../session/account-gate.ts'
import { collectBody } from './collect-body.ts'
import { addressOf, tcpSocket } from './connect.ts'
import { type Cookies, cookies } from './cookies.ts'
import { openTunnel } from './proxy.ts'
import { type ApiRequest, hasArgumentsOf, isRedirect, MAX_REDIRECTS, redirectedRequest } from './read-request.ts'
import type { RequestTurn } from './request-rate.ts'
import { secureSocket } from './tls.ts'

/** A complete response, with any status. */
export interface HttpAnswer {
  /** The address of the first request: that of a redirect may contain the id of a session. */
  readonly url: URL
  readonly isRedirected: boolean
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The whole body, decompressed. */
  readonly body: Buffer
  /** The server's clock, milliseconds since 1970; undefined without a `Date` header. */
  readonly serverTime: number | undefined
  readonly tookMs: number
  /** Whether a redirect dropped arguments of the call. */
  readonly hasLostArguments: boolean
}

/** Calls one server over a persistent connection. Keeps its cookies. */
export interface HttpCaller {
  /**
   * Waits for its turn. Follows up to three redirects within the origin. Rejects with `source.*`, or with the reason of
   * `stop`.
   */
  call(request: ApiRequest, stop: AbortSignal): Promise<HttpAnswer>
  close(): void
}

interface HttpSettings extends PolarisConfig {
  readonly base: URL
}

/** Stands between caller and server: it may save an answer, or give another one in its place. */
export type Intercept = (request: ApiRequest, exchange: () => Promise<ExchangedAnswer>) => Promise<ExchangedAnswer>

export interface HttpParts {
  readonly clock: Clock
  readonly observe: ObserveSource
  readonly intercept?: Intercept | undefined
  readonly turn: RequestTurn
  readonly accounts: AccountGate
}

interface Connection extends HttpParts {
  readonly agent: HttpAgent
  readonly cookies: Cookies
  readonly settings: HttpSettings
}

export function httpCaller(settings: HttpSettings, parts: HttpParts): HttpCaller {
  const { clock, intercept = (_, exchanged) => exchanged() } = parts
  const { agent, close } = serverAgent(settings, parts.accounts)
  const connection = { ...parts, agent, cookies: cookies(clock), settings }
  return {
    call: async (first, stop) => {
      await parts.turn(stop)
      const startedAt = clock.monotonic()
      let request = first
      for (let followed = 0; ; followed++) {
        const answer = await intercept(request, () => exchange(connection, request, stop))
        const { status, headers } = answer
        const { location } = headers
        if (!isRedirect(status) || location === undefined) {
          const isRedirected = followed > 0
          const hasLostArguments = isRedirected && !hasArgumentsOf(first, request)
          return { ...answer, url: first.url, isRedirected, tookMs: clock.monotonic() - startedAt, hasLostArguments }
        }
        if (followed === MAX_REDIRECTS) throw tooManyRedirects(first.url)
        request = redirectedRequest(request, { location, status })
      }
    },
    close,
  }
}

const tooManyRedirects = (url: URL) =>
  new ConnectorError('source.answer-malformed', `call ${serverOf(url)}: more than ${MAX_REDIRECTS} redirects`)

export type ExchangedAnswer = Omit<HttpAnswer, 'isRedirected' | 'tookMs' | 'hasLostArguments'>

async function exchange(connection: Connection, request: ApiRequest, stop: AbortSignal): Promise<ExchangedAnswer> {
  const { clock, settings, observe } = connection
  stop.throwIfAborted()
  // One limit holds for headers, interim responses and body: no server keeps a call open.
  using deadline = clock.deadline(settings.timeouts.answerMs, stop)
  try {
    const response = await sendRequest(connection, request, deadline.signal)
    observe({ kind: 'response-received', status: response.statusCode ?? 0 })
    return await wholeAnswer(connection, request, response)
  } catch (error) {
    stop.throwIfAborted()
    if (!deadline.signal.aborted) throw networkError(error, request.url)
    throw new ConnectorError(
      'source.unreachable',
      `call ${serverOf(request.url)}: no complete response in time; lower POLARIS_LIMIT if it persists`,
    )
  }
}

async function sendRequest(
  { agent, cookies, settings }: Connection,
  { url, method, form, headers }: ApiRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const cookie = cookies.header()
  const outgoing = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method,
    agent,
    signal,
    headers: {
      ...settings.headers,
      accept: 'application/xml, text/xml, application/json, */*;q=0.1',
      'accept-encoding': 'gzip',
      'user-agent': 'polaris-clients-connector',
      ...(form !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(form),
      }),
      ...headers,
      ...(cookie !== '' && { cookie }),
    },
  })
  outgoing.end(form)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.on('error', () => {}) // the body fails too
  return response
}

async function wholeAnswer(
  { cookies, settings }: Connection,
  { url }: ApiRequest,
  response: IncomingMessage,
): Promise<ExchangedAnswer> {
  const { statusCode: status = 0, headers } = response
  const serverTime = serverTimeIn(headers)
  cookies.keep(headers['set-cookie'] ?? [], serverTime)
  const body = await collectBody(response, serverOf(url), settings.maxBodyBytes).catch((error: unknown) => {
    // The status and the headers of an error or of a redirect say more than its body.
    if (status < 300 || !(error instanceof ConnectorError)) throw bodyError(error, url)
    return Buffer.alloc(0)
  })
  return { url, status, headers, body, serverTime }
}

export function serverTimeIn({ date }: IncomingHttpHeaders): number | undefined {
  const time = Date.parse(date ?? '')
  return Number.isNaN(time) ? undefined : time
}

/**
 * Connects to one server, whose calls are sequential. Checks each connection before anything is sent on it. Reads the
 * settings again for each.
 */
function serverAgent({ base, tls, proxy, timeouts: { connectMs } }: HttpSettings, accounts: AccountGate) {
  const closing = new AbortController()
  const parts = { connectMs, closed: closing.signal, tls, accounts }
  const to = addressOf(base)
  const isSecure = base.protocol === 'https:'

  const connect = async (): Promise<Socket> => {
    const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, to, parts)
    return isSecure ? await secureSocket(to, tunnel, parts) : (tunnel ?? (await tcpSocket(to, parts)))
  }
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = (_, callback) => {
    connect().then(
      (socket) => callback?.(null, socket),
      (error) => callback?.(error, undefined as never),
    )
    return undefined
  }
  const close = () => {
    closing.abort()
    agent.destroy()
  }
  return { agent, close }
}
