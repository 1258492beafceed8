import type { Certificates } from './certificates.ts'

/** The port of a listener, and of the proxy through which clients reach it. */
export interface ProxiedPorts {
  readonly listener: number
  readonly proxy: number
}

/** The ports of one broker. */
export interface BrokerPorts {
  readonly plain: number
  readonly controller: number
  readonly sasl: number
  readonly mutual: number
  readonly proxied: readonly ProxiedPorts[]
}

export interface BrokerPlan {
  readonly id: number
  /** The ports of all brokers, ordered by id; ids start with 1. */
  readonly ports: readonly BrokerPorts[]
  readonly dataDirectory: string
  readonly certificates: Certificates | undefined
  readonly extra: Readonly<Record<string, string>>
}

/** The only user of the SASL listeners. It has no permissions until a test adds ACLs through the plain listener. */
export const saslUser = { username: 'app', password: 'app-secret' } as const

/** The text of `server.properties`: a KRaft broker and controller, with timeouts shorter than Kafka's defaults. */
export function brokerProperties(plan: BrokerPlan): string {
  const properties = {
    ...basics(plan),
    ...replication(plan.ports.length),
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'log.cleaner.backoff.ms': '500',
    ...security(plan),
    ...plan.extra,
  }
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

function basics({ id, ports, dataDirectory, certificates }: BrokerPlan): Record<string, string> {
  const own = ports[id - 1]
  if (own === undefined) throw new RangeError(`no ports for broker ${id}`)
  const at = (listener: string, port: number) => `${listener}://127.0.0.1:${port}`
  const secure = certificates === undefined ? [] : [at('SASL_SSL', own.sasl), at('MUTUAL', own.mutual)]
  const proxied = own.proxied.map((ports, path) => ({ name: `PROXIED_${path}`, ...ports }))
  return {
    'process.roles': 'broker,controller',
    'node.id': `${id}`,
    'controller.quorum.voters': ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(','),
    listeners: [
      at('PLAINTEXT', own.plain),
      at('CONTROLLER', own.controller),
      ...proxied.map(({ name, listener }) => at(name, listener)),
      ...secure,
    ].join(),
    'advertised.listeners': [
      at('PLAINTEXT', own.plain),
      ...proxied.map(({ name, proxy }) => at(name, proxy)),
      ...secure,
    ].join(),
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      'SASL_SSL:SASL_SSL',
      'MUTUAL:SSL',
      ...proxied.map(({ name }) => `${name}:PLAINTEXT`),
    ].join(),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': dataDirectory,
    'auto.create.topics.enable': 'false',
  }
}

function replication(brokers: number): Record<string, string> {
  const inSync = brokers >= 3 ? '2' : '1'
  return {
    'default.replication.factor': `${brokers}`,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': `${brokers}`,
    'transaction.state.log.replication.factor': `${brokers}`,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': `${brokers}`,
    'share.coordinator.state.topic.min.isr': inSync,
  }
}

function security({ certificates }: BrokerPlan): Record<string, string> {
  if (certificates === undefined) return {}
  const login = (mechanism: string, module: string) => ({
    [`listener.name.sasl_ssl.${mechanism}.sasl.jaas.config`]: `org.apache.kafka.common.security.${module};`,
  })
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.serverBoth,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.authority,
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.sasl_ssl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...login('plain', `plain.PlainLoginModule required user_${saslUser.username}="${saslUser.password}"`),
    ...login('scram-sha-256', 'scram.ScramLoginModule required'),
    ...login('scram-sha-512', 'scram.ScramLoginModule required'),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
}

/** Arguments of the storage tool that store the SCRAM credentials. */
export const scramArguments = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
  '--add-scram',
  `${mechanism}=[name=${saslUser.username},password=${saslUser.password}]`,
])
