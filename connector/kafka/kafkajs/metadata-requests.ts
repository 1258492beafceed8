import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { Admin } from 'kafkajs'
import { Encoder, type KafkaRequest, type RequestTarget } from './protocol.ts'

/** The parts of kafkajs' broker and broker pool that request metadata. */
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

/** Set while an empty list of topics means none; in kafkajs it means all. */
const meansNone = new AsyncLocalStorage<true>()

/**
 * `admin.describeCluster` without topics. The original also requests all topics of the cluster, and fails if a
 * partition of any of them has no leader.
 */
export function describeCluster(admin: Admin): ReturnType<Admin['describeCluster']> {
  return meansNone.run(true, () => admin.describeCluster())
}

/** Makes kafkajs request only the topics it uses when it refreshes its metadata. */
export function requestUsedTopicsOnly(pool: MetadataPool, broker: MetadataBroker): void {
  const refresh = pool.refreshMetadata
  pool.refreshMetadata = function refreshMetadata(this: MetadataPool, topics) {
    return meansNone.run(true, () => refresh.call(this, topics))
  }
  const original = broker.metadata
  broker.metadata = async function requestMetadata(this: MetadataBroker, topics = []) {
    const newest = Math.max(...metadata.versions.map(Number))
    const version = Math.min(newest, this.versions?.[METADATA]?.maxVersion ?? 0)
    // Version 0 cannot request no topics.
    if (topics.length > 0 || version === 0 || meansNone.getStore() === undefined)
      return await original.call(this, topics)
    const { request, response } = metadata.protocol({ version })({ topics: [], allowAutoTopicCreation: false })
    const encode = async () =>
      version < 4 ? new Encoder().writeInt32(0) : new Encoder().writeInt32(0).writeBoolean(false)
    return await this.connectionPool.send({ request: { ...request, encode }, response })
  }
}
