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

/** kafkajs' newest version, which every broker since Kafka 2.8 supports. */
const { request, response }: KafkaRequest<unknown> = createRequire(import.meta.url)(
  'kafkajs/src/protocol/requests/metadata',
).protocol({ version: 6 })({ topics: [] })

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
    if (topics.length > 0 || meansNone.getStore() === undefined) return await original.call(this, topics)
    const encode = async () => new Encoder().writeInt32(0).writeBoolean(false) // no topics, create none
    return await this.connectionPool.send({ request: { ...request, encode }, response })
  }
}
