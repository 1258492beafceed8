import type { ReadArguments } from './client-source.ts'

/** A call of the API: where, and what goes along. `form` is a form-encoded body. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly form?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** What every read of a stream has in common. */
export interface ReadSettings {
  readonly base: URL
  readonly method: 'GET' | 'POST'
  readonly codeMagasin: number
  readonly prefixCle?: string | undefined
  /** Writes `lastChanged` the way the server wants it. */
  readonly lastChanged: (at: ReadArguments['lastChanged']) => string
}

type Argument = readonly [name: string, value: string]

/** The folder of the functions: `/core/api/` where the URL has no path, with one slash at its end in any case. */
export function apiBase(url: string): URL {
  const base = new URL(url)
  base.search = ''
  base.hash = ''
  if (base.pathname === '/') base.pathname = '/core/api/'
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

/** `Client.GetClientsModified` with the documented names in the documented order; absent optional arguments are not sent. */
export function readRequest(settings: ReadSettings, at: ReadArguments): ApiRequest {
  const { base, method, codeMagasin, prefixCle } = settings
  const optional = (name: string, value: string | null | undefined): Argument[] =>
    value == null ? [] : [[name, value]]
  return apiCall({ base, method, name: 'Client.GetClientsModified' }, [
    ['lastChanged', settings.lastChanged(at.lastChanged)],
    ['codeMagasin', String(codeMagasin)],
    // Invariant 5: the token goes back verbatim.
    ...optional('checkPoint', at.checkPoint),
    ...optional('prefixCle', prefixCle),
    ['limit', String(at.limit)],
    ['output', at.output],
  ])
}

/** A call of one function of the API: GET carries its arguments in the query, POST in a form. */
export function apiCall(
  call: { readonly base: URL; readonly method: 'GET' | 'POST'; readonly name: string },
  values: readonly Argument[],
): ApiRequest {
  const text = values.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const url = new URL(call.name, call.base)
  if (call.method === 'POST') return { method: 'POST', url, form: text }
  url.search = text
  return { method: 'GET', url }
}
