import type { GroupOffset, Topic } from '../cluster.ts'
import { createErrorFromCode, type Decoder, Encoder, NO_TAGS, type RequestTarget, sendNewer } from './requests.ts'

/** The requests of this file have versions that kafkajs does not support. They reject as `sendNewer` does. */

const METADATA = { apiKey: 3, apiVersion: 10, apiName: 'Metadata' } // KIP-516, Kafka 2.8: topic ids
const OFFSET_FETCH = { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch' } // KIP-447, Kafka 2.5: stable offsets
const DESCRIBE_PRODUCERS = { apiKey: 61, apiVersion: 0, apiName: 'DescribeProducers' } // KIP-664, Kafka 2.8

const UNKNOWN_TOPIC_OR_PARTITION = 3
const LEADER_NOT_AVAILABLE = 5
const UNSTABLE_OFFSET_COMMIT = 88

/** Encodes a topic and its partitions, as most requests name them. */
const topicWith = (topic: string, partitions: readonly Encoder[]) =>
  new Encoder().writeUVarIntString(topic).writeUVarIntArray(partitions).writeUVarInt(NO_TAGS)
const partitionNumber = (partition: number) => new Encoder().writeInt32(partition)

/** Decodes the partitions of all topics in a response. */
function readPartitions<Partition>(from: Decoder, read: (from: Decoder) => Partition): Partition[] {
  const topics = from.readUVarIntArray((topic) => {
    topic.readUVarIntString() // name
    const partitions = topic.readUVarIntArray(read) ?? []
    topic.readTaggedFields()
    return partitions
  })
  return (topics ?? []).flat()
}

/**
 * Returns the open transactions of all producers in these partitions, which `leader` leads by the metadata of the
 * cluster. A leader that has not learned so yet knows no such partition: rejects with LEADER_NOT_AVAILABLE, which is
 * transient.
 */
export async function describeOpenTransactions(
  leader: RequestTarget,
  { topic, partitions }: { topic: string; partitions: readonly number[] },
): Promise<{ partition: number; producerId: string; startOffset: string }[]> {
  const found = await sendNewer(leader, {
    ...DESCRIBE_PRODUCERS,
    write: (to) => to.writeUVarIntArray([topicWith(topic, partitions.map(partitionNumber))]),
    read: (from) => readPartitions(from, readProducersOfPartition),
  })
  const failed = found.find(({ code }) => code !== 0)
  if (failed !== undefined)
    throw createErrorFromCode(failed.code === UNKNOWN_TOPIC_OR_PARTITION ? LEADER_NOT_AVAILABLE : failed.code)
  return found.flatMap(({ partition, open }) => open.map((transaction) => ({ partition, ...transaction })))
}

function readProducersOfPartition(from: Decoder) {
  const partition = from.readInt32()
  const code = from.readInt16()
  from.readUVarIntString() // error message
  const producers = from.readUVarIntArray(readProducer) ?? []
  from.readTaggedFields()
  return { partition, code, open: producers.filter(({ startOffset }) => startOffset !== '-1') }
}

function readProducer(from: Decoder) {
  const producerId = from.readInt64().toString()
  from.readInt32() // producer epoch
  from.readInt32() // last sequence
  from.readInt64() // last timestamp
  from.readInt32() // coordinator epoch
  const startOffset = from.readInt64().toString()
  from.readTaggedFields()
  return { producerId, startOffset }
}

/**
 * Reads the group's offset for partition 0 of the topic. It is `unstable` while another one has no transaction marker
 * yet.
 */
export async function fetchStableOffset(
  coordinator: RequestTarget,
  { group, topic }: { group: string; topic: string },
): Promise<GroupOffset | 'unstable' | undefined> {
  const requested = topicWith(topic, [partitionNumber(0)])
  const { found, groupCode } = await sendNewer(coordinator, {
    ...OFFSET_FETCH,
    write: (to) => to.writeUVarIntString(group).writeUVarIntArray([requested]).writeBoolean(true),
    read: (from) => ({ found: readPartitions(from, readOffset)[0], groupCode: from.readInt16() }),
  })
  const code = groupCode || (found?.code ?? 0)
  if (code === UNSTABLE_OFFSET_COMMIT) return 'unstable'
  if (code !== 0) throw createErrorFromCode(code)
  return found === undefined || found.offset === '-1' ? undefined : found
}

function readOffset(from: Decoder) {
  from.readInt32() // partition
  const offset = from.readInt64().toString()
  from.readInt32() // leader epoch
  const metadata = from.readUVarIntString() as string | null
  const code = from.readInt16()
  from.readTaggedFields()
  return { offset, metadata, code }
}

/** The bit of WRITE in the operations for which a user is authorized. */
const WRITE = 1 << 4

/** Reads what a broker knows of the cluster, and of the topic, unless it does not exist. */
export async function fetchMetadata(
  broker: RequestTarget,
  name?: string,
): Promise<{ clusterId: string | null; brokers: number; topic: Topic | undefined }> {
  const requested = new Encoder()
  for (let word = 0; word < 4; word += 1) requested.writeInt32(0) // by name, not by id
  if (name !== undefined) requested.writeUVarIntString(name).writeUVarInt(NO_TAGS)
  const { found, ...cluster } = await sendNewer(broker, {
    ...METADATA,
    write: (to) =>
      to
        .writeUVarIntArray(name === undefined ? [] : [requested])
        .writeBoolean(false) // no creation
        .writeBoolean(false) // no rights on the cluster
        .writeBoolean(true), // the rights on the topic
    read: (from) => {
      const brokers = from.readUVarIntArray(skipBroker)?.length ?? 0
      const clusterId = from.readUVarIntString()
      from.readInt32() // controller
      return { brokers, clusterId, found: from.readUVarIntArray(readTopic)?.[0] }
    },
  })
  if (found === undefined || found.code === UNKNOWN_TOPIC_OR_PARTITION) return { ...cluster, topic: undefined }
  const { code, operations, ...topic } = found
  if (code !== 0 && code !== LEADER_NOT_AVAILABLE) throw createErrorFromCode(code)
  return { ...cluster, topic: { ...topic, isWritable: (operations & WRITE) !== 0 } }
}

function skipBroker(from: Decoder): undefined {
  from.readInt32() // node id
  from.readUVarIntString() // host
  from.readInt32() // port
  from.readUVarIntString() // rack
  from.readTaggedFields()
}

function readTopic(from: Decoder) {
  const code = from.readInt16()
  const topic = from.readUVarIntString() ?? ''
  const topicId = [0, 1, 2, 3].map(() => (from.readInt32() >>> 0).toString(16).padStart(8, '0')).join('')
  from.readBoolean() // is internal
  const partitions = from.readUVarIntArray(skipPartition)?.length ?? 0
  const operations = from.readInt32()
  from.readTaggedFields()
  return { code, topic, topicId, partitions, operations }
}

function skipPartition(from: Decoder): undefined {
  from.readInt16() // error code
  from.readInt32() // partition
  from.readInt32() // leader
  from.readInt32() // leader epoch
  for (const _replicas of ['all', 'in sync', 'offline']) from.readUVarIntArray((replica) => replica.readInt32())
  from.readTaggedFields()
}
