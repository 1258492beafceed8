import { CookieJar } from 'tough-cookie'
import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { serverOf } from '../../runtime/network-cause.ts'
import type { RefusedAccounts } from '../../runtime/refused-accounts.ts'
import { errorCodeIn, networkError } from '../answer/answer-verdict.ts'
import { tlsError } from '../answer/tls-error.ts'
import type { ObserveSource, SeenCertificate } from '../client-source.ts'
import type { PolarisConfig, TlsConfig } from '../polaris-config.ts'
import { type BodyReader, collectBody, type WholeBody } from './collect-body.ts'
import { offeredSchemes } from './offered-schemes.ts'
import { directRoute, proxyRoute, type Route } from './proxy.ts'
import type { ApiRequest } from './read-request.ts'
import { secureConnector } from './tls.ts'

/** A complete response, with any status. */
export interface HttpAnswer extends WholeBody {
  readonly url: URL
  readonly status: number
  readonly contentType: string | undefined
  readonly retryAfter: string | undefined
  /** The authentication schemes that the server offers. */
  readonly schemes: readonly string[]
  /** The server's clock, milliseconds since 1970; undefined without a `Date` header. */
  readonly serverTime: number | undefined
  readonly tookMs: number
  /** Whether a redirect dropped arguments of the call. */
  readonly hasLostArguments: boolean
}

interface HttpSettings extends Pick<PolarisConfig, 'tls' | 'proxy' | 'headers' | 'timeouts' | 'maxBodyBytes'> {
  readonly base: URL
}

interface HttpParts {
  readonly clock: Clock
  readonly accounts: RefusedAccounts
  readonly observe: ObserveSource
}

export type OpenReader = (contentType: string | undefined) => BodyReader

/** Calls one server over persistent connections. Keeps its cookies. */
export interface HttpCaller {
  /**
   * Follows up to three redirects within the origin. Rejects with `source.*`, or with the reason of `stop`. `open`:
   * called for each response of the call, whose body the reader receives.
   */
  call(request: ApiRequest, stop: AbortSignal, open?: OpenReader): Promise<HttpAnswer>
  close(): Promise<void>
}

const MAX_REDIRECTS = 3
const redirects = new Set([301, 302, 303, 307, 308])

/** A connection is replaced after this time, so that new settings, addresses and certificates are noticed. */
const MAX_CONNECTION_MS = 15 * 60_000

interface Connection {
  readonly pool: Pool
  readonly route: Route
  /** Errors of the socket during the current exchange. */
  readonly socketErrors: Error[]
  readonly jar: CookieJar
  readonly clock: Clock
  readonly observe: ObserveSource
  readonly settings: HttpSettings
}

interface Call extends Connection {
  readonly open: OpenReader | undefined
}

export function httpCaller(settings: HttpSettings, parts: HttpParts): HttpCaller {
  const closing = new AbortController()
  const socketErrors: Error[] = []
  const onError = (error: Error) => socketErrors.push(error)
  const route = routeTo(settings, { ...parts, onError }, closing.signal)
  const pool = new Pool(settings.base.origin, {
    connect: route.connect,
    connections: 1, // calls are sequential
    pipelining: 1,
    keepAliveTimeout: 30_000, // longer than the pause between polls; a server's own value takes precedence
    clientTtl: MAX_CONNECTION_MS,
    allowH2: false,
    headersTimeout: settings.timeouts.headersMs,
    bodyTimeout: 0, // `wholeAnswer` limits the time of the whole body
  })
  const jar = new CookieJar(null, { rejectPublicSuffixes: false })
  const connection = { pool, route, socketErrors, jar, clock: parts.clock, observe: parts.observe, settings }
  return {
    call: (request, stop, open) => follow({ ...connection, open }, request, stop),
    close: async () => {
      closing.abort()
      await pool.destroy()
    },
  }
}

function routeTo(
  { base, tls, proxy, timeouts }: HttpSettings,
  parts: HttpParts & { readonly onError: (error: Error) => void },
  closed: AbortSignal,
): Route {
  const { connectMs } = timeouts
  const onCertificate = (seen: SeenCertificate) => parts.observe({ kind: 'certificate-seen', ...seen })
  const toServer = secureConnector(tls, { connectMs, onCertificate, onError: parts.onError })
  if (proxy === undefined) return directRoute(toServer)
  const trust: TlsConfig = {
    get ca() {
      return tls?.ca
    },
  }
  const toProxy = secureConnector(trust, { connectMs, onCertificate: () => {}, onError: () => {} })
  return proxyRoute(proxy, base, { toServer, toProxy, connectMs, accounts: parts.accounts, closed })
}

async function follow(call: Call, first: ApiRequest, stop: AbortSignal): Promise<HttpAnswer> {
  const began = call.clock.monotonic()
  let request = first
  for (let followed = 0; ; followed++) {
    const { answer, location } = await exchange(call, request, stop)
    if (location === undefined) {
      const hasLostArguments = followed > 0 && !hasArgumentsOf(first, request)
      return { ...answer, tookMs: call.clock.monotonic() - began, hasLostArguments }
    }
    if (followed === MAX_REDIRECTS)
      throw new ConnectorError(
        'source.answer-not-a-page',
        `call ${serverOf(first.url)}: more than ${MAX_REDIRECTS} redirects`,
      )
    request = redirected(request, { location, status: answer.status })
  }
}

/** The request to follow a redirect. 307 and 308 keep the method and the form; other statuses change it to a GET. */
function redirected(request: ApiRequest, to: { location: string; status: number }): ApiRequest {
  const url = URL.canParse(to.location, request.url.href) ? new URL(to.location, request.url) : undefined
  if (url?.origin !== request.url.origin) {
    throw new ConnectorError(
      'source.redirected',
      `call ${serverOf(request.url)}: status ${to.status} redirects to another origin${url === undefined ? '' : `, ${url.origin}`}`,
    )
  }
  if (to.status === 307 || to.status === 308 || request.method === 'GET') return { ...request, url }
  return { method: 'GET', url, headers: request.headers }
}

function hasArgumentsOf(first: ApiRequest, last: ApiRequest): boolean {
  const form = new URLSearchParams(last.form)
  return [...first.url.searchParams, ...new URLSearchParams(first.form)].every(
    ([name, value]) => last.url.searchParams.get(name) === value || form.get(name) === value,
  )
}

interface Exchange {
  readonly answer: Omit<HttpAnswer, 'tookMs' | 'hasLostArguments'>
  readonly location: string | undefined
}

async function exchange(call: Call, request: ApiRequest, stop: AbortSignal): Promise<Exchange> {
  const { pool, route, socketErrors, jar, observe, settings } = call
  const cookie = await jar.getCookieString(request.url.href)
  let phase: 'connect' | 'body' = 'connect'
  socketErrors.length = 0
  try {
    stop.throwIfAborted()
    const sent = {
      method: request.method,
      path: request.url.pathname + request.url.search,
      headers: { ...settings.headers, ...requestHeaders(request), ...(cookie === '' ? {} : { cookie }) },
      body: request.form ?? null,
      signal: stop,
    }
    const response = await route.send(pool, sent, stop)
    phase = 'body'
    observe({ kind: 'response-received', status: response.statusCode })
    return await wholeAnswer(call, { request, response }, stop)
  } catch (error) {
    stop.throwIfAborted()
    // With TLS 1.3, a server rejects a client certificate after the handshake.
    const [lost] = socketErrors
    throw tlsError(lost, errorCodeIn(lost) ?? '', request.url) ?? networkError(error, phase, request.url)
  }
}

async function wholeAnswer(
  { jar, clock, settings, open }: Call,
  { request, response }: { request: ApiRequest; response: Dispatcher.ResponseData },
  stop: AbortSignal,
): Promise<Exchange> {
  const { statusCode: status, headers, body } = response
  const all = (name: string) => [headers[name] ?? []].flat()
  const header = (name: string) => all(name)[0]
  for (const text of all('set-cookie')) await jar.setCookie(text, request.url.href, { ignoreError: true })

  const contentType = header('content-type')
  const reader = open?.(contentType)
  const collected = {
    body,
    from: serverOf(request.url),
    encoding: header('content-encoding'),
    maxBytes: settings.maxBodyBytes,
    reader,
  }
  using deadline = clock.deadline(settings.timeouts.bodyMs, stop)
  const whole = await collectBody(collected, deadline.signal)
  const date = Date.parse(header('date') ?? '')
  const serverTime = Number.isNaN(date) ? undefined : date
  return {
    answer: {
      url: request.url,
      status,
      contentType,
      retryAfter: header('retry-after'),
      schemes: offeredSchemes(all('www-authenticate')),
      serverTime,
      ...whole,
    },
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
