import {
  createErrorFromCode,
  type Decoder,
  Encoder,
  NO_TAGS,
  sendNewer,
  understands,
} from './kafkajs/kafka-protocol.ts'
import type { Written } from './kafkajs/written-partitions.ts'

const DESCRIBE_PRODUCERS = 61 // KIP-664, Kafka 2.8
const VERSION = 0

/**
 * The partitions in which the producer has a transaction without an end, each asked of the broker that led it when it was written to. Those
 * of a broker that cannot tell are left out. Rejects with kafkajs' errors, also where a broker leads a partition no longer.
 */
export async function openPartitions(written: Written, of: { topic: string; producerId: string }): Promise<number[]> {
  const open = await Promise.all(
    [...written].map(async ([leader, partitions]) => {
      if (!understands(leader, DESCRIBE_PRODUCERS, VERSION)) return []
      const asked = new Encoder().writeUVarIntString(of.topic).writeUVarInt(partitions.size + 1)
      for (const partition of partitions) asked.writeInt32(partition)
      asked.writeUVarInt(NO_TAGS)
      return await sendNewer(leader, {
        ...{ apiKey: DESCRIBE_PRODUCERS, apiVersion: VERSION, apiName: 'DescribeProducers' },
        write: (to) => to.writeUVarIntArray([asked]),
        read: (from) => (from.readUVarIntArray((topic) => openInTopic(topic, of.producerId)) ?? []).flat(),
      })
    }),
  )
  return open.flat()
}

function openInTopic(from: Decoder, producerId: string): number[] {
  from.readUVarIntString() // its name
  const partitions = from.readUVarIntArray((partition) => readPartition(partition, producerId)) ?? []
  from.readTaggedFields()
  const refused = partitions.find(({ code }) => code !== 0)
  if (refused !== undefined) throw createErrorFromCode(refused.code)
  return partitions.filter(({ isOpen }) => isOpen).map(({ partition }) => partition)
}

function readPartition(from: Decoder, producerId: string) {
  const [partition, code] = [from.readInt32(), from.readInt16()]
  from.readUVarIntString() // the error in words
  const producers = from.readUVarIntArray(readProducer) ?? []
  from.readTaggedFields()
  return { partition, code, isOpen: producers.some((one) => one.producerId === producerId && one.isInTransaction) }
}

function readProducer(from: Decoder) {
  const producerId = from.readInt64().toString()
  from.readInt32() // its epoch
  from.readInt32() // its last sequence
  from.readInt64() // its last timestamp
  from.readInt32() // the epoch of its coordinator
  const startOffset = from.readInt64().toString()
  from.readTaggedFields()
  return { producerId, isInTransaction: startOffset !== '-1' }
}
