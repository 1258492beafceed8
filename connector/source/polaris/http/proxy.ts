import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { errorCodeIn, networkCause } from '../../../runtime/network.ts'
import type { ProxyConfig, TlsConfig } from '../polaris-config.ts'
import type { Account } from '../session/refused-accounts.ts'
import { type Address, addressOf, type ConnectParts, timedOut } from './connect.ts'
import { trusted } from './tls.ts'

interface TunnelParts extends ConnectParts {
  /** The CA also vouches for a proxy with `https:`. */
  readonly tls: TlsConfig | undefined
}

/**
 * Asks the proxy for a tunnel (CONNECT) to the server. Reads the settings again. Rejects with `source.unreachable`,
 * or with `source.proxy-refused` if the proxy rejects its credentials or the server.
 */
export async function openTunnel(proxy: ProxyConfig, { host, port }: Address, parts: TunnelParts): Promise<Socket> {
  const url = parseProxyUrl(proxy.url)
  if (url === undefined)
    throw new ConnectorError('source.unreachable', 'connect: the URL of the proxy in POLARIS_PROXY is invalid')
  const path = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const options = { ...addressOf(url), method: 'CONNECT', path, headers: { host: path, ...authorization(url) } }
  const { connectMs: timeout, closed: signal, tls } = parts
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const asked = request({ ...options, timeout, signal, agent: false, ca: trusted(tls?.ca) })
  asked.once('timeout', () => asked.destroy(timedOut()))
  asked.end()
  const answered = once(asked, 'connect') as Promise<[IncomingMessage, Socket]>
  const [{ statusCode = 0 }, socket] = await answered.catch((error: unknown) => {
    signal.throwIfAborted()
    throw unreachable(url, error)
  })
  socket.on('error', () => {}) // no other listener until TLS starts; the handshake then fails
  socket.setTimeout(0)
  if (statusCode >= 200 && statusCode <= 299) return socket
  socket.destroy()
  throw refused(url, statusCode)
}

function authorization(url: URL): Record<string, string> {
  const account = accountIn(url)
  if (account === undefined) return {}
  const credentials = Buffer.from(`${account.user}:${account.password}`, 'utf8').toString('base64')
  return { 'proxy-authorization': `Basic ${credentials}` }
}

function unreachable(url: URL, error: unknown): Error {
  const code = errorCodeIn(error)
  if (code === undefined) return error as Error // not a network error: a bug
  return new ConnectorError(
    'source.unreachable',
    `connect: the proxy ${url.host} (POLARIS_PROXY) cannot be reached: ${networkCause(code)}`,
  )
}

/** The error for a status with which a proxy rejects a call. */
function refused(url: URL, status: number): ConnectorError {
  const name = `the proxy ${url.host} (POLARIS_PROXY)`
  if (status === 407) {
    const what = accountIn(url) === undefined ? 'requires user and password' : 'rejects user and password'
    return new ConnectorError('source.proxy-refused', `connect: ${name} ${what} (status 407)`)
  }
  if (status >= 500 || status === 408 || status === 429)
    return new ConnectorError('source.unreachable', `connect: ${name} cannot reach the server (status ${status})`)
  return new ConnectorError('source.proxy-refused', `connect: ${name} does not allow the server (status ${status})`)
}

/** Parses `[http(s)://][user:password@]host[:port]`; undefined if it is something else. */
export function parseProxyUrl(text: string): URL | undefined {
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined
  return isDecodable(url.username) && isDecodable(url.password) ? url : undefined
}

/** The credentials in the URL of a proxy. */
function accountIn({ username, password }: URL): Account | undefined {
  if (username === '' && password === '') return undefined
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
