import { Socket } from 'node:net'
import * as tls from 'node:tls'
import {
  type ISocketFactory,
  type ISocketFactoryArgs,
  Kafka,
  logLevel,
  type RetryOptions,
  type SASLOptions,
} from 'kafkajs'
import type { KafkaConfig, KafkaRetry, SaslConfig, SslConfig } from './kafka-config.ts'
import { type KafkaLog, kafkaLogCreator } from './kafka-log.ts'
import { patchKafkaJs } from './kafkajs/kafkajs-patches.ts'

/** The part of the configuration that a connection needs. */
export type KafkaConnection = Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl' | 'timeouts' | 'retry'>

export interface KafkaClient {
  readonly kafka: Kafka
  /** Breaks every connection at once and lets no new one be made, so that nothing more can be sent. */
  cut(): void
}

/** A kafkajs client; it connects when a producer, an admin or a consumer of it does. Sockets are its own. */
export function kafkaClient(connection: KafkaConnection, parts: { clientId: string; log: KafkaLog }): KafkaClient {
  patchKafkaJs()
  const sockets = cuttableSockets()
  const kafka = new Kafka({
    clientId: parts.clientId,
    brokers: [...connection.brokers],
    connectionTimeout: connection.timeouts.connectionMs,
    authenticationTimeout: connection.timeouts.requestMs,
    requestTimeout: connection.timeouts.requestMs,
    retry: retryOptions(connection.retry),
    socketFactory: sockets.factory,
    logLevel: logLevel.INFO,
    logCreator: kafkaLogCreator(parts.log),
    ...(connection.ssl === undefined ? {} : { ssl: { secureContext: secureContextOf(connection.ssl) } }),
    ...(connection.sasl === undefined ? {} : { sasl: saslOptions(connection.sasl) }),
  })
  return { kafka, cut: sockets.cut }
}

/** kafkajs' own retrying, spelled out: its defaults differ when NODE_ENV is `test`. */
export const retryOptions = (retry: KafkaRetry): RetryOptions => ({
  initialRetryTime: retry.firstPauseMs,
  maxRetryTime: retry.maxPauseMs,
  retries: retry.retries,
  factor: 0.2,
  multiplier: 2,
})

/** A new object each time: kafkajs keeps things in it. */
function saslOptions({ mechanism, username, password }: SaslConfig): SASLOptions {
  return { mechanism, username, password }
}

const secureContexts = new WeakMap<SslConfig, tls.SecureContext>()

/** One context per configuration: reading the system's CAs takes tens of milliseconds. */
function secureContextOf(ssl: SslConfig): tls.SecureContext {
  const known = secureContexts.get(ssl)
  if (known !== undefined) return known
  const { ca = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')], cert, key } = ssl
  const context = tls.createSecureContext({ ca, cert, key })
  secureContexts.set(ssl, context)
  return context
}

function cuttableSockets(): { factory: ISocketFactory; cut: () => void } {
  const open = new Set<Socket>()
  let isCut = false
  const factory = (args: ISocketFactoryArgs) => {
    const socket = isCut ? new Socket().destroy(new Error('this client was closed')) : connect(args)
    open.add(socket.once('close', () => open.delete(socket)))
    return socket
  }
  const cut = () => {
    isCut = true
    // The error makes kafkajs give up what is in flight; a plain end would let it wait for its timeouts.
    for (const socket of open) socket.destroy(new Error('this client was closed'))
  }
  return { factory, cut }
}

const keepAliveMs = 60_000

function connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const name = /^[\d.]+$/.test(host) ? {} : { servername: host }
  const socket = ssl
    ? tls.connect({ host, port, ...name, ...ssl }, onConnect)
    : new Socket().connect(port, host, onConnect)
  return socket.setKeepAlive(true, keepAliveMs).setNoDelay(true)
}
