import { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type ISocketFactory, type ISocketFactoryArgs, Kafka, logLevel } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { systemCertificates } from '../runtime/network.ts'
import type { KafkaConnection, SslConfig } from './kafka-config.ts'
import { kafkaTimes, type Patience, retryOptions } from './kafka-times.ts'
import { newSocketFactory } from './kafkajs/cluster.ts'
import { patchKafkaJs } from './kafkajs/kafkajs-patches.ts'
import { saslLogin } from './kafkajs/sasl-login.ts'

export interface KafkaClient {
  readonly kafka: Kafka
  /** Closes every connection at once and prevents new ones, so that nothing more can be sent. */
  destroy(): void
}

export interface KafkaClientParts {
  readonly clientId: string
  readonly patience: Patience
  readonly clock: Clock
}

/**
 * Creates a kafkajs client with its own sockets. It connects only when its producer, admin or consumer connects. Throws
 * `config.invalid` for unusable certificates.
 */
export function kafkaClient({ brokers, ssl, sasl }: KafkaConnection, parts: KafkaClientParts): KafkaClient {
  patchKafkaJs()
  const { clientId, patience, clock } = parts
  const { connectionMs, requestMs } = kafkaTimes.patience[patience]
  const sockets = destroyableSockets()
  const kafka = new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: connectionMs,
    authenticationTimeout: requestMs,
    requestTimeout: requestMs,
    retry: retryOptions(patience),
    socketFactory: sockets.factory,
    // Its texts may contain anything, and errors that matter reach the caller as exceptions.
    logLevel: logLevel.NOTHING,
    ...(ssl === undefined ? {} : { ssl: { secureContext: secureContextOf(ssl) } }),
    ...(sasl === undefined ? {} : { sasl: saslLogin(sasl, clock) }),
  })
  return { kafka, destroy: sockets.destroy }
}

let cached: { readonly texts: string; readonly context: SecureContext } | undefined

/**
 * Returns the TLS context, which is cached until the certificates change: reading the system's CAs takes tens of
 * milliseconds.
 */
function secureContextOf({ ca, cert, key }: SslConfig): SecureContext {
  const texts = JSON.stringify([ca, cert, key])
  try {
    if (cached?.texts !== texts)
      cached = { texts, context: createSecureContext({ ca: ca ?? systemCertificates(), cert, key }) }
    return cached.context
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
  const connect = newSocketFactory()
  let isDestroyed = false
  const factory = (args: ISocketFactoryArgs) => {
    const socket = isDestroyed ? new Socket().destroy(new Error('this Kafka client is closed')) : connect(args)
    open.add(socket.once('close', () => open.delete(socket)))
    return socket.setNoDelay(true)
  }
  const destroy = () => {
    isDestroyed = true
    // kafkajs fails the requests in flight at once if the socket has an error; otherwise it waits for their timeouts.
    for (const socket of open) socket.destroy(new Error('this Kafka client is closed'))
  }
  return { factory, destroy }
}
