import type { Admin } from 'kafkajs'
import { expect, inject } from 'vitest'
import type { CloseStack } from '../../connector/runtime/close-stack.ts'
import { testKafka } from './committed-records.ts'
import { createTopics } from './create-topics.ts'
import { type Acl, allow, disallow, documentedAcls } from './documentation/kafka-acls.ts'
import { type SecureListeners, startKafka } from './servers/kafka-broker.ts'
import { type Scene, scene } from './stream-scene.ts'

/** A broker with secure listeners, and an administrator. */
export interface SecureKafka {
  readonly bootstrap: string
  readonly secure: SecureListeners
  readonly admin: Admin
}

/** The shared broker, or one of its own if the environment names the shared one. */
export async function secureKafka(closing: Pick<CloseStack, 'use'>): Promise<SecureKafka> {
  const shared = inject('kafkaSecure')
  const own = shared === null ? closing.use(await startKafka({ secure: true }), (kafka) => kafka.close()) : undefined
  const bootstrap = own?.bootstrap ?? inject('kafkaBrokers')
  const secure = own?.secure ?? shared
  if (secure === null) throw new Error('no secure listener')
  const admin = closing.use(testKafka(bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
  return { bootstrap, secure, admin }
}

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
  { bootstrap, secure, admin }: SecureKafka,
  { mechanism = 'plain', topics = 'existing', environment }: SecureSceneOptions = {},
): Promise<SecureScene> {
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
    brokers: { connector: secure.bootstrap, reader: bootstrap },
  })
  const { name } = made
  const wanted = [
    { topic: name, numPartitions: 2 },
    { topic: `${name}.dlq` },
    { topic: `${name}.slots`, numPartitions: 24 },
  ]
  if (topics === 'existing') await createTopics(admin, wanted)
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
