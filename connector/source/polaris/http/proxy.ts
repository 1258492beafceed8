import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { unescape as unescapeText } from 'node:querystring'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import { errorCodeIn, networkCause } from '../../../runtime/network.ts'
import type { ProxyConfig, TlsConfig } from '../polaris-config.ts'
import { type AccountGate, type LoginOutcome, REFUSED_MS } from '../session/account-gate.ts'
import { type Address, addressOf, type ConnectParts, timeoutError } from './connect.ts'
import { trustedCas } from './tls.ts'

interface TunnelParts extends ConnectParts {
  readonly accounts: AccountGate
  /** The CA also vouches for a proxy with `https:`. */
  readonly tls: TlsConfig | undefined
}

/**
 * Asks the proxy for a tunnel (CONNECT) to the server. Reads the settings again. Rejects with `source.unreachable`,
 * or with `source.proxy-refused` if the proxy rejects its credentials or the server. Credentials that it rejected are
 * not sent again before `AccountGate` allows it.
 */
export async function openTunnel(proxy: ProxyConfig, to: Address, parts: TunnelParts): Promise<Socket> {
  const account = () => {
    const { username: user, password } = urlOf(proxy)
    return { user, password }
  }
  const exchange = () => askForTunnel(urlOf(proxy), to, parts)
  if (account().user !== '') {
    const server = urlOf(proxy).host
    return await parts.accounts.logIn({ server, account, isEachCall: true, exchange }, parts.closed)
  }
  const asked = await exchange()
  if (asked.kind === 'refused') throw asked.error
  return asked.result
}

function urlOf(proxy: ProxyConfig): URL {
  const url = parseProxyUrl(proxy.url)
  if (url !== undefined) return url
  throw new ConnectorError('source.unreachable', 'connect: the URL of the proxy in POLARIS_PROXY is invalid')
}

async function askForTunnel(url: URL, { host, port }: Address, parts: TunnelParts): Promise<LoginOutcome<Socket>> {
  const path = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const { connectMs: timeout, closed: signal, tls } = parts
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const asked = request({
    ...addressOf(url),
    method: 'CONNECT',
    path,
    headers: { host: path, ...authorization(url) },
    timeout,
    signal,
    agent: false,
    ca: trustedCas(tls?.ca),
  })
  asked.once('timeout', () => asked.destroy(timeoutError()))
  asked.end()
  const answered = once(asked, 'connect') as Promise<[IncomingMessage, Socket]>
  const name = `the proxy ${url.host} (POLARIS_PROXY)`
  const [{ statusCode = 0 }, socket] = await answered.catch((error: unknown) => {
    signal.throwIfAborted()
    const code = errorCodeIn(error)
    if (code === undefined) throw error // not a network error: a bug
    throw new ConnectorError('source.unreachable', `connect: ${name} cannot be reached: ${networkCause(code)}`)
  })
  socket.on('error', () => {}) // no other listener until TLS starts; the handshake then fails
  socket.setTimeout(0)
  if (statusCode >= 200 && statusCode <= 299) return { kind: 'proved', result: socket }
  socket.destroy()
  const [code, what] = refusal(statusCode)
  const error = new ConnectorError(code, `connect: ${name} ${what} (status ${statusCode})`)
  if (statusCode !== 407) throw error
  return { kind: 'refused', error, againAfterMs: REFUSED_MS }
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const credentials = Buffer.from(`${unescapeText(username)}:${unescapeText(password)}`, 'utf8').toString('base64')
  return { 'proxy-authorization': `Basic ${credentials}` }
}

/** Says what it means that a proxy rejects a call with the status. */
function refusal(status: number): readonly [code: ErrorCode, what: string] {
  if (status === 407) return ['source.proxy-refused', 'requires user and password, or rejects them']
  return status >= 500 || status === 408 || status === 429
    ? ['source.unreachable', 'cannot reach the server']
    : ['source.proxy-refused', 'does not allow the server']
}

/** Parses `[http(s)://][user:password@]host[:port]`; undefined if it is something else. */
export function parseProxyUrl(text: string): URL | undefined {
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || /%(?![\da-f]{2})/i.test(full)) return undefined
  return url.pathname === '/' && url.search === '' && url.hash === '' ? url : undefined
}
