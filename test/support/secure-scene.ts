import type { Admin } from 'kafkajs'
import { expect } from 'vitest'
import { type Acl, allow, disallow, documentedAcls } from './documentation/kafka-acls.ts'
import type { KafkaCluster } from './servers/kafka-broker.ts'
import { type Scene, scene } from './stream-scene.ts'

export interface SecureScene extends Scene {
  /** The documented ACLs. */
  readonly acls: readonly Acl[]
  allow(acls: readonly Acl[]): Promise<void>
  disallow(acl: Acl): Promise<void>
}

export interface SecureSceneOptions {
  readonly mechanism?: 'plain' | 'scram-sha-512'
  readonly topics?: 'existing' | 'missing'
  readonly environment?: Record<string, string>
}

/** A connector whose Kafka user has no permissions yet. Call within a test. */
export async function secureScene(
  { kafka, admin }: { kafka: KafkaCluster; admin: Admin },
  { mechanism = 'plain', topics = 'existing', environment }: SecureSceneOptions = {},
): Promise<SecureScene> {
  const { secure } = kafka
  if (secure === undefined) throw new Error('no secure listener')
  const { username, password, certificates } = secure
  const made = await scene({
    source: { clients: 60 },
    environment: {
      PLACEMENT: 'group',
      KAFKA_SSL_CA: certificates.authority,
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: username,
      KAFKA_SASL_PASSWORD: password,
      ...environment,
    },
    brokers: { connector: secure.bootstrap, reader: kafka.bootstrap },
  })
  const { name } = made
  const wanted = [
    { topic: name, numPartitions: 2 },
    { topic: `${name}.dlq` },
    { topic: `${name}.slots`, numPartitions: 24 },
  ]
  if (topics === 'existing') await admin.createTopics({ topics: wanted, waitForLeaders: false })
  const principal = `User:${username}`
  return {
    ...made,
    acls: documentedAcls({ connector: name, stream: 'clients', topic: name }),
    allow: (acls) => allow(admin, principal, acls),
    disallow: (acl) => disallow(admin, principal, acl),
  }
}

/** Matches the error about a missing ACL, which names it as the documentation does. */
export const naming = ({ resource, name, operation }: Acl) =>
  expect.stringMatching(
    new RegExp(`: the ACL ${operation}( \\(.*\\))? on ${resource} ${name.replaceAll('.', '\\.')} is missing$`),
  )
