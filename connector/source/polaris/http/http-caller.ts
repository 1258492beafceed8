import type { Dispatcher } from 'undici'
import type { Clock } from '../../../runtime/clock.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { serverOf } from '../../../runtime/network-cause.ts'
import type { ObserveSource } from '../../client-source.ts'
import { offeredSchemes } from '../answer/answer-verdict.ts'
import { errorCodeIn, networkError, tlsError } from '../answer/network-error.ts'
import { collectBody } from './collect-body.ts'
import type { DroppedCookie, ServerCookies } from './cookie-jar.ts'
import { type LimitParts, permitted } from './rate-limit.ts'
import type { ApiRequest } from './read-request.ts'
import { hasArgumentsOf, isRedirect, MAX_REDIRECTS, redirected } from './redirect.ts'
import { serverCookies } from './server-cookies.ts'
import { type HttpParts, type HttpSettings, type ServerPool, serverPool } from './server-pool.ts'

/** A complete response, with any status. */
export interface HttpAnswer {
  readonly url: URL
  readonly status: number
  readonly contentType: string | undefined
  /** The whole body, decompressed. */
  readonly body: Buffer
  readonly retryAfter: string | undefined
  /** The authentication schemes that the server offers. */
  readonly schemes: readonly string[]
  /** Cookies that the server has set and calls do not send. */
  readonly droppedCookies: readonly DroppedCookie[]
  /** The server's clock, milliseconds since 1970; undefined without a `Date` header. */
  readonly serverTime: number | undefined
  readonly tookMs: number
  /** Whether a redirect dropped arguments of the call. */
  readonly hasLostArguments: boolean
}

/** Calls one server over persistent connections. Keeps its cookies. */
export interface HttpCaller {
  /**
   * Holds a permit of the server until the response is complete. Follows up to three redirects within the origin. Rejects with `source.*`, or with the reason of `stop`.
   */
  call(request: ApiRequest, stop: AbortSignal): Promise<HttpAnswer>
  close(): Promise<void>
}

interface Call extends ServerPool {
  readonly cookies: ServerCookies
  readonly clock: Clock
  readonly observe: ObserveSource
  readonly settings: HttpSettings
}

export function httpCaller(settings: HttpSettings, parts: HttpParts & LimitParts): HttpCaller {
  const closing = new AbortController()
  const { clock, observe } = parts
  const cookies = serverCookies(settings.base, clock)
  const connection = { ...serverPool(settings, parts, closing.signal), cookies, clock, observe, settings }
  return {
    call: async (first, stop) => {
      using _permit = await permitted(parts, first, stop)
      const began = clock.monotonic()
      let request = first
      const droppedCookies: DroppedCookie[] = []
      for (let followed = 0; ; followed++) {
        const { answer, location } = await exchange(connection, request, stop)
        droppedCookies.push(...answer.droppedCookies)
        if (location === undefined) {
          const hasLostArguments = followed > 0 && !hasArgumentsOf(first, request)
          return { ...answer, droppedCookies, tookMs: clock.monotonic() - began, hasLostArguments }
        }
        if (followed === MAX_REDIRECTS) throw tooManyRedirects(first.url)
        request = redirected(request, { location, status: answer.status })
      }
    },
    close: async () => {
      closing.abort()
      await connection.pool.destroy()
    },
  }
}

const tooManyRedirects = (url: URL) =>
  new ConnectorError('source.answer-not-a-page', `call ${serverOf(url)}: more than ${MAX_REDIRECTS} redirects`)

interface Exchange {
  readonly answer: Omit<HttpAnswer, 'tookMs' | 'hasLostArguments'>
  readonly location: string | undefined
}

async function exchange(call: Call, request: ApiRequest, stop: AbortSignal): Promise<Exchange> {
  const { pool, route, socketErrors, cookies, observe, settings } = call
  const cookie = await cookies.header(request.url)
  let phase: 'connect' | 'body' = 'connect'
  socketErrors.length = 0
  using headers = call.clock.deadline(headersWithinMs(settings), stop)
  try {
    stop.throwIfAborted()
    const sent = {
      method: request.method,
      path: request.url.pathname + request.url.search,
      headers: { ...settings.headers, ...requestHeaders(request), ...(cookie === '' ? {} : { cookie }) },
      body: request.form ?? null,
      signal: headers.signal,
    }
    const response = await (route.forward?.(pool, sent, headers.signal) ?? pool.request(sent))
    headers[Symbol.dispose]()
    phase = 'body'
    observe({ kind: 'response-received', status: response.statusCode })
    return await wholeAnswer(call, { request, response }, stop)
  } catch (error) {
    stop.throwIfAborted()
    if (headers.signal.aborted) throw noHeaders(request.url)
    // With TLS 1.3, a server rejects a client certificate after the handshake.
    const [lost] = socketErrors
    throw tlsError(lost, errorCodeIn(lost) ?? '', request.url) ?? networkError(error, phase, request.url)
  }
}

/**
 * Limit of the time from the call to the headers of its response. The limits of undici do not end a server that sends
 * interim responses forever: each restarts them. A proxy is connected first, and asked for a tunnel.
 */
function headersWithinMs({ timeouts, proxy }: HttpSettings): number {
  return timeouts.headersMs + (proxy === undefined ? 1 : 3) * timeouts.connectMs
}

const noHeaders = (url: URL) =>
  new ConnectorError(
    'source.timeout',
    `call ${serverOf(url)}: no final response in time, maybe only interim ones (1xx)`,
  )

async function wholeAnswer(
  { cookies, clock, settings }: Call,
  { request, response }: { request: ApiRequest; response: Dispatcher.ResponseData },
  stop: AbortSignal,
): Promise<Exchange> {
  const { statusCode: status, headers, body } = response
  const all = (name: string) => [headers[name] ?? []].flat()
  const header = (name: string) => all(name)[0]
  const date = Date.parse(header('date') ?? '')
  const serverTime = Number.isNaN(date) ? undefined : date
  const droppedCookies = await cookies.keep(all('set-cookie'), { url: request.url, serverTime })
  const contentType = header('content-type')
  const collected = {
    body,
    from: serverOf(request.url),
    encoding: header('content-encoding'),
    maxBytes: settings.maxBodyBytes,
  }
  using deadline = clock.deadline(settings.timeouts.bodyMs, stop)
  const whole = await collectBody(collected, deadline.signal)
  return {
    answer: {
      url: request.url,
      status,
      contentType,
      retryAfter: header('retry-after'),
      schemes: offeredSchemes(all('www-authenticate')),
      droppedCookies,
      serverTime,
      body: whole,
    },
    location: isRedirect(status) ? header('location') : undefined,
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
