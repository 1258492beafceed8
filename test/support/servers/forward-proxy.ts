import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ForwardProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string
  /** Method and target of each request, such as `CONNECT 127.0.0.1:3443`. */
  readonly requests: readonly string[]
}

interface ProxyRules {
  /** `user:password`; requests with others are answered with 407. */
  readonly credentials?: string
  /** The status for every request that has the credentials. */
  readonly refuseWith?: number
  /** Never answers. */
  readonly isSilent?: boolean
  /** Closes or resets each tunnel as soon as it is open, or each connection before it answers. */
  readonly cuts?: 'tunnel' | 'reset tunnel' | 'connection'
}

/** An HTTP proxy on a free loopback port, which only opens tunnels. */
export async function forwardProxy(
  rules: ProxyRules = {},
  tls?: { readonly key: string; readonly cert: string },
): Promise<ForwardProxy> {
  const requests: string[] = []
  const sockets = new Set<Duplex>()
  const verdict = ({ method, url, headers }: IncomingMessage): number | undefined => {
    requests.push(`${method} ${url}`)
    const wanted = rules.credentials && `Basic ${Buffer.from(rules.credentials).toString('base64')}`
    if (wanted !== undefined && headers['proxy-authorization'] !== wanted) return 407
    return rules.refuseWith
  }
  const server = tls === undefined ? createServer() : createSecureServer(tls)
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    sockets.add(client.on('error', () => {}))
    const status = verdict(request)
    if (rules.isSilent === true) return
    if (rules.cuts !== undefined) return cut(client as Socket, rules.cuts)
    if (status === undefined) tunnel(request.url ?? '', client)
    else client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 2\r\n\r\nno`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function cut(client: Socket, how: NonNullable<ProxyRules['cuts']>): void {
  if (how === 'connection') client.destroy()
  else client.write('HTTP/1.1 200 OK\r\n\r\n', () => (how === 'tunnel' ? client.end() : client.resetAndDestroy()))
}

function tunnel(target: string, client: Duplex): void {
  const { hostname, port } = new URL(`http://${target}`)
  const server = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    client.pipe(server).pipe(client)
  })
  server.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
  client.on('close', () => server.destroy())
}
