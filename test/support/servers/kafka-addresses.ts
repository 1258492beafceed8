import type { Certificates } from './certificates.ts'
import { freePort } from './free-port.ts'
import { type BrokerPorts, type ProxiedPorts, saslUser } from './kafka-properties.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/**
 * Allocates the ports of one more broker and adds a proxy in front of it to each route.
 */
export async function brokerPorts(routes: readonly TcpProxy[][]): Promise<BrokerPorts> {
  const proxied: ProxiedPorts[] = []
  for (const proxies of routes) {
    const listener = await freePort()
    const proxy = await startTcpProxy({ target: listener })
    proxies.push(proxy)
    proxied.push({ listener, proxy: proxy.port })
  }
  return {
    plain: await freePort(),
    controller: await freePort(),
    sasl: await freePort(),
    mutual: await freePort(),
    proxied,
  }
}

const loopback = (ports: readonly number[]) => ports.map((port) => `127.0.0.1:${port}`).join()

export function addresses(ports: readonly BrokerPorts[], certificates: Certificates | undefined) {
  const secure = certificates && {
    ...saslUser,
    bootstrap: loopback(ports.map(({ sasl }) => sasl)),
    mutualBootstrap: loopback(ports.map(({ mutual }) => mutual)),
    certificates,
  }
  return { bootstrap: loopback(ports.map(({ plain }) => plain)), secure }
}

export function proxyRoutes(ports: readonly BrokerPorts[], proxies: readonly TcpProxy[][]) {
  const routes = proxies.map((own) => ({ bootstrap: loopback(own.map(({ port }) => port)), proxies: own }))
  const plain = loopback(ports.map((own) => own.plain))
  return { proxiedBootstrap: routes[0]?.bootstrap ?? plain, proxies: routes[0]?.proxies ?? [], routes }
}
