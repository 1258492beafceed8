import { Socket } from 'node:net'
import * as tls from 'node:tls'
import type { LogEntry } from 'kafkajs'
import { type ISocketFactory, type ISocketFactoryArgs, Kafka, logLevel } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { systemCertificates } from '../runtime/network.ts'
import type { KafkaConnection, SslConfig } from './kafka-config.ts'
import { kafkaTimes, type Pace, retryOptions } from './kafka-times.ts'
import { patchKafkaJs } from './kafkajs/kafkajs-patches.ts'
import { saslLogin } from './kafkajs/sasl-login.ts'

export interface KafkaClient {
  readonly kafka: Kafka
  /** Closes every connection at once and prevents new ones, so that nothing more can be sent. */
  destroy(): void
}

export interface KafkaClientParts {
  readonly clientId: string
  readonly pace: Pace
  readonly log: KafkaLog
  readonly clock: Clock
}

/**
 * Creates a kafkajs client with its own sockets. It connects only when its producer, admin or consumer connects. Throws
 * `config.invalid` for unusable certificates.
 */
export function kafkaClient({ brokers, ssl, sasl }: KafkaConnection, parts: KafkaClientParts): KafkaClient {
  patchKafkaJs()
  const { clientId, pace, log, clock } = parts
  const { connectionMs, requestMs } = kafkaTimes.paces[pace]
  const sockets = destroyableSockets()
  const kafka = new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: connectionMs,
    authenticationTimeout: requestMs,
    requestTimeout: requestMs,
    retry: retryOptions(pace),
    socketFactory: sockets.factory,
    logLevel: logLevel.INFO,
    logCreator: kafkaLogCreator(log),
    ...(ssl === undefined ? {} : { ssl: { secureContext: secureContextOf(ssl) } }),
    ...(sasl === undefined ? {} : { sasl: saslLogin(sasl, clock) }),
  })
  return { kafka, destroy: sockets.destroy }
}

let cached: { readonly texts: string; readonly context: tls.SecureContext } | undefined

/** Cached until the certificates change: reading the system's CAs takes tens of milliseconds. */
function secureContextOf({ ca, cert, key }: SslConfig): tls.SecureContext {
  const texts = JSON.stringify([ca, cert, key])
  if (cached?.texts !== texts) cached = { texts, context: newSecureContext({ ca, cert, key }) }
  return cached.context
}

function newSecureContext({ ca, cert, key }: SslConfig): tls.SecureContext {
  try {
    return tls.createSecureContext({ ca: ca ?? systemCertificates(), cert, key })
  } catch {
    const settings = 'KAFKA_SSL_CA, KAFKA_SSL_CERT, KAFKA_SSL_KEY'
    throw new ConnectorError(
      'config.invalid',
      `connect to Kafka: ${settings}: must be valid PEM certificates and a matching key`,
    )
  }
}

function destroyableSockets(): { factory: ISocketFactory; destroy: () => void } {
  const open = new Set<Socket>()
  let isDestroyed = false
  const factory = (args: ISocketFactoryArgs) => {
    const socket = isDestroyed ? new Socket().destroy(new Error('this Kafka client is closed')) : connect(args)
    open.add(socket.once('close', () => open.delete(socket)))
    return socket
  }
  const destroy = () => {
    isDestroyed = true
    // With an error, kafkajs fails the requests in flight at once; without one, it waits for their timeouts.
    for (const socket of open) socket.destroy(new Error('this Kafka client is closed'))
  }
  return { factory, destroy }
}

const keepAliveMs = 60_000

function connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const name = /^[\d.]+$/.test(host) ? {} : { servername: host }
  const socket = ssl
    ? tls.connect({ host, port, ...name, ...ssl }, onConnect)
    : new Socket().connect(port, host, onConnect)
  return socket.setKeepAlive(true, keepAliveMs).setNoDelay(true)
}

/** Receives the log of kafkajs, whose fields may contain anything. Errors that matter reach the caller as exceptions. */
export type KafkaLog = (message: string, fields: Readonly<Record<string, unknown>>) => void

const kafkaLogCreator =
  (log: KafkaLog) =>
  () =>
  ({ namespace, log: { message, ...fields } }: LogEntry) =>
    log(message, { namespace, ...fields })
