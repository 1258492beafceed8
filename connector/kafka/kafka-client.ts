import { Socket } from 'node:net'
import * as tls from 'node:tls'
import type { LogEntry } from 'kafkajs'
import { type ISocketFactory, type ISocketFactoryArgs, Kafka, logLevel, type RetryOptions } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { RefusedAccounts } from '../runtime/refused-accounts.ts'
import { systemCertificates } from '../runtime/system-certificates.ts'
import { brokerTroubles } from './broker-trouble.ts'
import type { KafkaConfig, KafkaRetry, SslConfig } from './kafka-config.ts'
import { patchKafkaJs } from './kafkajs/kafkajs-patches.ts'
import { saslLogin } from './kafkajs/sasl-login.ts'

/** The part of the configuration that a connection needs. */
export type KafkaConnection = Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl' | 'timeouts' | 'retry'>

export interface KafkaClient {
  readonly kafka: Kafka
  /** Closes every connection at once and prevents new ones, so that nothing more can be sent. */
  destroy(): void
  /** Names the brokers that cannot be used, and why; undefined if there is none. */
  trouble(): string | undefined
}

interface KafkaClientParts {
  readonly clientId: string
  readonly log: KafkaLog
  readonly accounts: RefusedAccounts
  readonly clock: Clock
}

/**
 * Creates a kafkajs client with its own sockets. It connects only when its producer, admin or consumer connects. Throws
 * `config.invalid` for unusable certificates.
 */
export function kafkaClient(connection: KafkaConnection, parts: KafkaClientParts): KafkaClient {
  patchKafkaJs()
  const { accounts, clock } = parts
  const login = { server: connection.brokers.join(), accounts, clock, limitMs: connection.timeouts.requestMs }
  const troubles = brokerTroubles()
  const logsIn = connection.sasl !== undefined
  const sockets = destroyableSockets((socket, { host, port, ssl }) =>
    troubles.watch(socket, { broker: `${host}:${port}`, usesTls: Boolean(ssl), logsIn }),
  )
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
    ...(connection.sasl === undefined ? {} : { sasl: saslLogin(connection.sasl, login) }),
  })
  return { kafka, destroy: sockets.destroy, trouble: troubles.describe }
}

/** All retry settings of kafkajs, set explicitly because its defaults differ when NODE_ENV is `test`. */
export const retryOptions = (retry: KafkaRetry): RetryOptions => ({
  initialRetryTime: retry.firstPauseMs,
  maxRetryTime: retry.maxPauseMs,
  retries: retry.retries,
  factor: 0.2,
  multiplier: 2,
})

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

function destroyableSockets(onConnecting: (socket: Socket, args: ISocketFactoryArgs) => void): {
  factory: ISocketFactory
  destroy: () => void
} {
  const open = new Set<Socket>()
  let isDestroyed = false
  const factory = (args: ISocketFactoryArgs) => {
    const socket = isDestroyed ? new Socket().destroy(new Error('this Kafka client is closed')) : connect(args)
    if (!isDestroyed) onConnecting(socket, args)
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

/** Receives the log of kafkajs, at `debug` at most: errors that matter reach the caller as exceptions. */
export type KafkaLog = (
  level: 'debug' | 'trace',
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void

/** The DEBUG level of kafkajs, whose lines may contain whole responses. */
const kafkaJsDebug = 5

/** The fields that are passed on. None can contain a key, a value, a response or a stack trace. */
const safeFields = ['broker', 'groupId', 'topic', 'error', 'errorMessage', 'retryCount', 'retryTime', 'correlationId']

/** A `logCreator` that demotes all lines: kafkajs logs each retry as an error, but retries are routine here. */
export function kafkaLogCreator(log: KafkaLog): (level: logLevel) => (entry: LogEntry) => void {
  return () =>
    ({ level, namespace, log: content }) => {
      const fields: Record<string, string | number> = { namespace }
      for (const name of safeFields) {
        const value: unknown = content[name]
        if (typeof value === 'string' || typeof value === 'number') fields[name] = value
      }
      log(level >= kafkaJsDebug ? 'trace' : 'debug', String(content.message), fields)
    }
}
