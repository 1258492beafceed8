import { Socket } from 'node:net'
import type { buildConnector, Dispatcher, Pool } from 'undici'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { Client } from '../../../runtime/memory/undici.ts'
import { networkCause } from '../../../runtime/network-cause.ts'
import { type Account, LOOK_AGAIN_MS, type RefusedAccounts } from '../../../runtime/refused-accounts.ts'
import { errorCodeIn } from '../answer/network-error.ts'
import type { ProxyConfig } from '../polaris-config.ts'
import { accountIn, parseProxyUrl } from './proxy-url.ts'

type Connect = buildConnector.connector
type Request = Omit<Dispatcher.RequestOptions, 'origin'>

/** How requests reach the server. */
export interface Route {
  readonly connect: Connect
  /** Sends a request over the pool whose connections `connect` opens. Absent: as it is. */
  forward?(pool: Pool, request: Request, stop: AbortSignal): Promise<Dispatcher.ResponseData>
}

interface ProxyParts {
  /** Connects to the proxy itself. */
  readonly toProxy: Connect
  /** Connects to the server, through the tunnel given as `httpSocket`. */
  readonly toServer: Connect
  /** Limit of the time until the proxy has answered. */
  readonly connectMs: number
  readonly accounts: RefusedAccounts
  /** Aborts when the connections are no longer needed. */
  readonly closed: AbortSignal
}

/**
 * Requests through a proxy: in a tunnel (CONNECT) to a server with `https:`, forwarded to one with `http:`. Fails with
 * `source.proxy-unreachable`, or with `source.proxy-refused` if the proxy rejects its credentials or the server.
 */
export function proxyRoute(proxy: ProxyConfig, server: URL, parts: ProxyParts): Route {
  if (server.protocol !== 'https:') return forwarding(proxy, server, parts)
  return {
    connect: (options, callback) => {
      openTunnel(proxy, options, parts).then(
        (httpSocket) => parts.toServer({ ...options, httpSocket }, callback),
        (error) => callback(error, null),
      )
    },
  }
}

function forwarding(proxy: ProxyConfig, server: URL, { toProxy, accounts }: ProxyParts): Route {
  return {
    connect: (options, callback) => {
      try {
        const { protocol, hostname, host, port } = urlOf(proxy)
        const to = { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), host, port }
        toProxy({ ...options, ...to, servername: '' }, (...[error, socket]) =>
          error === null ? callback(null, socket) : callback(unreachable(proxy, error), null),
        )
      } catch (error) {
        callback(error as Error, null)
      }
    },
    forward: (pool, request, stop) => {
      const send = async (account: Account | undefined) => {
        const headers = { ...(request.headers as Record<string, string>), ...authorization(account) }
        const response = await pool.request({ ...request, path: server.origin + request.path, headers })
        if (response.statusCode !== 407) return response
        await response.body.dump()
        throw refused(proxy, 407)
      }
      return withAccount(proxy, accounts, send, stop)
    },
  }
}

async function openTunnel(proxy: ProxyConfig, to: buildConnector.Options, parts: ProxyParts): Promise<Socket> {
  const { accounts, closed } = parts
  const path = to.port === '' ? `${to.host}:443` : (to.host ?? '')
  const tunnel = (account: Account | undefined) => connectCall(proxy, { path, account }, parts)
  const { statusCode, socket } = await withAccount(proxy, accounts, tunnel, closed)
  if (statusCode >= 200 && statusCode <= 299 && socket instanceof Socket) return socket
  socket.destroy()
  throw refused(proxy, statusCode)
}

async function connectCall(
  proxy: ProxyConfig,
  { path, account }: { path: string; account: Account | undefined },
  { toProxy, connectMs, closed }: ProxyParts,
): Promise<Dispatcher.ConnectData> {
  const client = new Client(urlOf(proxy).origin, { connect: toProxy, headersTimeout: connectMs })
  let answer: Dispatcher.ConnectData
  try {
    answer = await client.connect({ path, headers: authorization(account), signal: closed })
    answer.socket.on('error', () => {}) // no other listener until TLS starts; the handshake then fails
  } catch (error) {
    closed.throwIfAborted()
    throw unreachable(proxy, error)
  } finally {
    await client.destroy() // an open tunnel no longer belongs to it
  }
  if (answer.statusCode !== 407) return answer
  answer.socket.destroy()
  throw refused(proxy, 407)
}

/** Calls with the credentials of the proxy's URL; rejected ones are not sent again for a while, so as to lock no account. */
function withAccount<Result>(
  proxy: ProxyConfig,
  accounts: RefusedAccounts,
  call: (account: Account | undefined) => Promise<Result>,
  stop: AbortSignal,
): Promise<Result> {
  const url = urlOf(proxy)
  if (accountIn(url) === undefined) return call(undefined)
  const account = () => accountIn(urlOf(proxy)) ?? { user: '', password: '' }
  return accounts.logIn({ server: url.host, account, exchange: call, refusalIn }, stop)
}

function refusalIn(error: unknown): ConnectorError | undefined {
  if (!(error instanceof ConnectorError) || error.code !== 'source.proxy-refused') return undefined
  return error.with(error.message, { retryAfterMs: LOOK_AGAIN_MS })
}

function authorization(account: Account | undefined): Record<string, string> {
  if (account === undefined) return {}
  const credentials = Buffer.from(`${account.user}:${account.password}`, 'utf8').toString('base64')
  return { 'proxy-authorization': `Basic ${credentials}` }
}

const settings = 'POLARIS_PROXY or HTTPS_PROXY'

function urlOf(proxy: ProxyConfig): URL {
  const url = parseProxyUrl(proxy.url)
  if (url !== undefined) return url
  throw new ConnectorError('source.proxy-unreachable', `connect: the URL of the proxy in ${settings} is invalid`)
}

function unreachable(proxy: ProxyConfig, error: unknown): Error {
  const code = errorCodeIn(error)
  if (code === undefined && !(error instanceof ConnectorError)) return error as Error // not a network error: a bug
  return new ConnectorError(
    'source.proxy-unreachable',
    `connect: the proxy ${urlOf(proxy).host} (${settings}) cannot be reached: ${networkCause(code ?? '')}`,
  )
}

/** The error for a status with which a proxy rejects a call. */
function refused(proxy: ProxyConfig, status: number): ConnectorError {
  const name = `the proxy ${urlOf(proxy).host} (${settings})`
  if (status === 407) {
    const what = accountIn(urlOf(proxy)) === undefined ? 'requires user and password' : 'rejects user and password'
    return new ConnectorError('source.proxy-refused', `connect: ${name} ${what} (status 407)`)
  }
  if (status >= 500 || status === 408 || status === 429)
    return new ConnectorError('source.unreachable', `connect: ${name} cannot reach the server (status ${status})`)
  return new ConnectorError('source.proxy-refused', `connect: ${name} does not allow the server (status ${status})`)
}
