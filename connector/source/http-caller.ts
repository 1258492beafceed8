import { CookieJar } from 'tough-cookie'
import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { networkError } from './answer-verdict.ts'
import { collectBody } from './collect-body.ts'
import type { SourceTimeouts, TlsConfig } from './polaris-config.ts'
import type { ApiRequest } from './read-request.ts'
import { secureConnector } from './tls.ts'

/** A whole answer, of any status. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string | undefined
  readonly retryAfter: string | undefined
  /** The server's clock (ms since 1970), undefined without a `Date` header. */
  readonly serverTime: number | undefined
  /** Decoded of its content encoding. */
  readonly body: Buffer
  readonly tookMs: number
  /** Whether redirects led to a place that has not got all arguments of the call. */
  readonly hasLostArguments: boolean
}

export interface HttpSettings {
  readonly base: URL
  readonly tls?: TlsConfig | undefined
  readonly timeouts: SourceTimeouts
  readonly maxBodyBytes: number
}

/** Calls one server over kept connections, with its cookies. */
export interface HttpCaller {
  /** The whole answer, after at most three redirects within the origin. Throws `source.*`, or the reason of `stop`. */
  call(request: ApiRequest, stop: AbortSignal): Promise<HttpAnswer>
  close(): Promise<void>
}

const MAX_REDIRECTS = 3
const redirects = new Set([301, 302, 303, 307, 308])

interface Connection {
  readonly pool: Pool
  readonly jar: CookieJar
  readonly clock: Clock
  readonly settings: HttpSettings
}

export function httpCaller(settings: HttpSettings, clock: Clock): HttpCaller {
  const pool = new Pool(settings.base.origin, {
    connect: secureConnector(settings.tls, settings.timeouts),
    connections: 1, // calls come one after the other
    pipelining: 1,
    keepAliveTimeout: 30_000, // outlives the pause between polls; what the server announces wins
    allowH2: false,
    headersTimeout: settings.timeouts.headersMs,
    bodyTimeout: 0, // the deadline of the whole body is ours
  })
  const connection = { pool, jar: new CookieJar(null, { rejectPublicSuffixes: false }), clock, settings }
  return {
    call: (request, stop) => follow(connection, request, stop),
    close: () => pool.destroy(),
  }
}

async function follow(connection: Connection, first: ApiRequest, stop: AbortSignal): Promise<HttpAnswer> {
  const began = connection.clock.monotonic()
  let request = first
  for (let followed = 0; ; followed++) {
    const { answer, location } = await exchange(connection, request, stop)
    if (location === undefined) {
      const hasLostArguments = followed > 0 && !hasArgumentsOf(first, request)
      return { ...answer, tookMs: connection.clock.monotonic() - began, hasLostArguments }
    }
    if (followed === MAX_REDIRECTS)
      throw new ConnectorError('source.answer-not-a-page', `call: more than ${MAX_REDIRECTS} redirects`)
    request = redirected(request, { location, status: answer.status })
  }
}

/** The request that a redirect asks for; 307 and 308 keep method and form, others make a GET. */
function redirected(request: ApiRequest, to: { location: string; status: number }): ApiRequest {
  const url = URL.canParse(to.location, request.url.href) ? new URL(to.location, request.url) : undefined
  if (url?.origin !== request.url.origin) {
    throw new ConnectorError(
      'source.redirected',
      `call: status ${to.status} points to another origin${url === undefined ? '' : `, ${url.origin}`}`,
    )
  }
  if (to.status === 307 || to.status === 308 || request.method === 'GET') return { ...request, url }
  return { method: 'GET', url, headers: request.headers }
}

function hasArgumentsOf(first: ApiRequest, last: ApiRequest): boolean {
  const kept = new URLSearchParams(last.form)
  return [...first.url.searchParams, ...new URLSearchParams(first.form)].every(
    ([name, value]) => last.url.searchParams.get(name) === value || kept.get(name) === value,
  )
}

interface Exchange {
  readonly answer: Omit<HttpAnswer, 'tookMs' | 'hasLostArguments'>
  readonly location: string | undefined
}

async function exchange(connection: Connection, request: ApiRequest, stop: AbortSignal): Promise<Exchange> {
  const { pool, jar } = connection
  const cookie = await jar.getCookieString(request.url.href)
  let phase: 'connect' | 'body' = 'connect'
  try {
    stop.throwIfAborted()
    const response = await pool.request({
      method: request.method,
      path: request.url.pathname + request.url.search,
      headers: { ...requestHeaders(request), ...(cookie === '' ? {} : { cookie }) },
      body: request.form ?? null,
      signal: stop,
    })
    phase = 'body'
    return await wholeAnswer(connection, { request, response }, stop)
  } catch (error) {
    stop.throwIfAborted()
    throw networkError(error, phase)
  }
}

async function wholeAnswer(
  { jar, clock, settings }: Connection,
  { request, response }: { request: ApiRequest; response: Dispatcher.ResponseData },
  stop: AbortSignal,
): Promise<Exchange> {
  const { statusCode: status, headers, body } = response
  const all = (name: string) => [headers[name] ?? []].flat()
  const header = (name: string) => all(name)[0]
  for (const text of all('set-cookie')) await jar.setCookie(text, request.url.href, { ignoreError: true })

  const collected = { body, encoding: header('content-encoding'), maxBytes: settings.maxBodyBytes }
  using deadline = clock.deadline(settings.timeouts.bodyMs, stop)
  const bytes = await collectBody(collected, deadline.signal)
  const date = Date.parse(header('date') ?? '')
  const serverTime = Number.isNaN(date) ? undefined : date
  return {
    answer: { status, contentType: header('content-type'), retryAfter: header('retry-after'), serverTime, body: bytes },
    location: redirects.has(status) ? header('location') : undefined,
  }
}

function requestHeaders(request: ApiRequest): Record<string, string> {
  const form = request.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  return {
    accept: 'application/xml, text/xml, application/json, */*;q=0.1',
    'accept-encoding': 'gzip',
    'user-agent': 'polaris-clients-connector',
    ...form,
    ...request.headers,
  }
}
