import { ConnectorError } from '../../../runtime/connector-error.ts'
import { serverOf } from '../../../runtime/network.ts'
import type { ApiRequest } from './read-request.ts'

export const MAX_REDIRECTS = 3

const redirects = new Set([301, 302, 303, 307, 308])
export const isRedirect = (status: number) => redirects.has(status)

/** The request to follow a redirect. 307 and 308 keep the method and the form; other statuses change it to a GET. */
export function redirected(request: ApiRequest, to: { location: string; status: number }): ApiRequest {
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
