import { ConnectorError } from '../../../runtime/connector-error.ts'
import { serverOf } from '../../../runtime/network.ts'
import type { PageRequest } from '../../client-source.ts'

/** A call of the API. `form`: form-encoded body. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly form?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Settings that all reads of a stream share. */
export interface ReadSettings {
  readonly base: URL
  readonly codeMagasin: number
  readonly prefixCle?: string | undefined
  /** Formats `lastChanged` as the server expects it. */
  readonly lastChanged: (at: PageRequest['lastChanged']) => string
}

type Argument = readonly [name: string, value: string]

/** Returns the base URL of the functions: `/core/api/` if the URL has no path; it always ends with a slash. */
export function apiBase(url: string): URL {
  const base = new URL(url)
  base.search = ''
  base.hash = ''
  if (base.pathname === '/') base.pathname = '/core/api/'
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

/**
 * Makes a call of `Client.GetClientsModified`, with the documented names and order. Omits absent optional arguments.
 */
export function readRequest(settings: ReadSettings, at: PageRequest): ApiRequest {
  const { base, codeMagasin, prefixCle } = settings
  const optional = (name: string, value: string | null | undefined): Argument[] =>
    value == null ? [] : [[name, value]]
  return apiCall({ base, method: 'GET', name: 'Client.GetClientsModified' }, [
    ['lastChanged', settings.lastChanged(at.lastChanged)],
    ['codeMagasin', String(codeMagasin)],
    // Invariant 5: the token is sent back verbatim.
    ...optional('checkPoint', at.checkPoint),
    ...optional('prefixCle', prefixCle),
    ['limit', String(at.limit)],
    ['output', at.output],
  ])
}

/** Makes a call of one API function: GET sends the arguments in the query, POST in a form. */
export function apiCall(
  call: { base: URL; method: 'GET' | 'POST'; name: string },
  values: readonly Argument[],
): ApiRequest {
  const text = values.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const url = new URL(call.name, call.base)
  if (call.method === 'POST') return { method: 'POST', url, form: text }
  url.search = text
  return { method: 'GET', url }
}

export const MAX_REDIRECTS = 3

const redirects = new Set([301, 302, 303, 307, 308])
export const isRedirect = (status: number) => redirects.has(status)

/**
 * Returns the request that follows a redirect. 307 and 308 keep the method and the form; other statuses change it to a
 * GET.
 */
export function redirectedRequest(request: ApiRequest, to: { location: string; status: number }): ApiRequest {
  const url = URL.canParse(to.location, request.url.href) ? new URL(to.location, request.url) : undefined
  if (url?.origin !== request.url.origin) {
    throw new ConnectorError(
      'source.request-refused',
      `call ${serverOf(request.url)}: status ${to.status} redirects to another origin${url === undefined ? '' : `, ${url.origin}: set POLARIS_URL to it if it is Polaris`}`,
    )
  }
  if (to.status === 307 || to.status === 308 || request.method === 'GET') return { ...request, url }
  return { method: 'GET', url, headers: request.headers }
}

/** Whether the last request has the arguments of the first. */
export const hasArgumentsOf = (first: ApiRequest, last: ApiRequest): boolean =>
  last.url.search === first.url.search && last.form === first.form
