import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { Admin } from 'kafkajs'
import { Encoder, type KafkaRequest, type RequestTarget } from './kafka-protocol.ts'

/** kafkajs' broker and its pool of brokers, as far as they ask for metadata. */
export interface MetadataBroker extends RequestTarget {
  metadata(topics?: readonly string[]): Promise<unknown>
}
export interface MetadataPool {
  refreshMetadata(topics: readonly string[]): Promise<unknown>
}

interface MetadataVersions {
  readonly versions: readonly string[]
  protocol(of: { version: number }): (request: object) => KafkaRequest<unknown>
}

const METADATA = 3
const metadata: MetadataVersions = createRequire(import.meta.url)('kafkajs/src/protocol/requests/metadata')

/** Whether no topics means none; to kafkajs it means all. */
const meansNone = new AsyncLocalStorage<true>()

/** As the admin of kafkajs has it, which asks for every topic of the cluster besides, and fails where a partition of any of them has no leader. */
export function describeCluster(admin: Admin): ReturnType<Admin['describeCluster']> {
  return meansNone.run(true, () => admin.describeCluster())
}

/** Makes kafkajs ask for the topics that it uses alone, when it looks for the brokers of the cluster. */
export function askForUsedTopics(pool: MetadataPool, broker: MetadataBroker): void {
  const refresh = pool.refreshMetadata
  pool.refreshMetadata = function refreshMetadata(this: MetadataPool, topics) {
    return meansNone.run(true, () => refresh.call(this, topics))
  }
  const original = broker.metadata
  broker.metadata = async function ask(this: MetadataBroker, topics = []) {
    const known = Math.max(...metadata.versions.map(Number))
    const version = Math.min(known, this.versions?.[METADATA]?.maxVersion ?? 0)
    // Version 0 cannot ask for none.
    if (topics.length > 0 || version === 0 || meansNone.getStore() === undefined)
      return await original.call(this, topics)
    const { request, response } = metadata.protocol({ version })({ topics: [], allowAutoTopicCreation: false })
    const encode = async () =>
      version < 4 ? new Encoder().writeInt32(0) : new Encoder().writeInt32(0).writeBoolean(false)
    return await this.connectionPool.send({ request: { ...request, encode }, response })
  }
}
