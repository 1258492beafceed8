import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import type { Certificates } from './certificates.ts'

export interface ProxyTarget {
  /** The loopback port that connections are forwarded to. */
  readonly target: number
  /** The server's certificates: the proxy uses TLS on both sides, and sees the plain text. */
  readonly tls?: Certificates | undefined
}

/** The client side and the server side of a proxy. */
export interface ProxyEnds {
  readonly listener: Server
  /** The event that `listener` emits for a new client. */
  readonly accepted: 'connection' | 'secureConnection'
  readonly toTarget: () => Socket
}

export function proxyEnds({ target, tls: certificates }: ProxyTarget): ProxyEnds {
  const host = '127.0.0.1'
  if (certificates === undefined) {
    return { listener: createServer(), accepted: 'connection', toTarget: () => connect(target, host) }
  }
  const [ca, key, cert] = [certificates.authority, certificates.serverKey, certificates.serverCertificate].map((file) =>
    readFileSync(file),
  )
  const toTarget = () => tls.connect({ port: target, host, ca })
  return { listener: tls.createServer({ key, cert }), accepted: 'secureConnection', toTarget }
}
