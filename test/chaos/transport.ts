import { readFileSync } from 'node:fs'
import type { KafkaCluster, KafkaOptions } from '../support/servers/kafka-broker.ts'
import { saslUser } from '../support/servers/kafka-properties.ts'
import type { TopicLogParts } from './topic-log.ts'

/** How replicas and the checker connect to the brokers. */
export type Transport = 'plain' | 'sasl-ssl'

/** Options of `startKafka`. */
export function brokersBy(transport: Transport): KafkaOptions {
  if (transport === 'plain') return {}
  const properties = { 'super.users': `User:ANONYMOUS;User:${saslUser.username}` }
  return { secure: true, proxiedProtocol: 'SASL_SSL', properties }
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/** Environment variables with a replica's credentials on secure brokers; each `index` has its own SASL mechanism. */
export function loginVariables({ secure }: KafkaCluster, index: number): Record<string, string> {
  const mechanism = mechanisms[index % mechanisms.length]
  if (secure === undefined || mechanism === undefined) return {}
  return {
    KAFKA_SSL_CA: secure.certificates.authority,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: secure.username,
    KAFKA_SASL_PASSWORD: secure.password,
  }
}

/** The addresses that the checker reads from. */
export function listenersOf({ bootstrap, secure }: KafkaCluster): Pick<TopicLogParts, 'ports' | 'login'> {
  const addresses = (secure?.bootstrap ?? bootstrap).split(',')
  const ports = addresses.map((address) => Number(address.split(':')[1]))
  return { ports, login: secure && { ...saslUser, ca: readFileSync(secure.certificates.authority, 'utf8') } }
}
