import { KafkaCode } from '../kafka-errors.ts'
import {
  createErrorFromCode,
  type Decoder,
  Encoder,
  NO_TAGS,
  type RequestTarget,
  sendNewer,
  supports,
} from './protocol.ts'

/** KIP-405, tiered storage. */
const LIST_OFFSETS = { apiKey: 2, apiVersion: 8, apiName: 'ListOffsets' }
/** The `timestamp` that requests the first offset on the broker's own disk. */
const EARLIEST_LOCAL = -4

/**
 * The first offset of a partition that is not in remote storage only; undefined: the broker has no remote storage.
 * Rejects with kafkajs' errors.
 */
export async function firstLocalOffset(
  leader: RequestTarget,
  { topic, partition }: { topic: string; partition: number },
): Promise<bigint | undefined> {
  if (!supports(leader, LIST_OFFSETS.apiKey, LIST_OFFSETS.apiVersion)) return undefined
  const wanted = new Encoder().writeInt32(partition).writeInt32(-1).writeInt64(EARLIEST_LOCAL).writeUVarInt(NO_TAGS)
  const requested = new Encoder().writeUVarIntString(topic).writeUVarIntArray([wanted]).writeUVarInt(NO_TAGS)
  const topics = await sendNewer(leader, {
    ...LIST_OFFSETS,
    write: (to) => to.writeInt32(-1).writeInt8(0).writeUVarIntArray([requested]),
    read: (from) => from.readUVarIntArray(offsetsOfTopic) ?? [],
  })
  const [found] = topics.flat()
  const code = found?.code ?? KafkaCode.UNKNOWN_TOPIC_OR_PARTITION
  if (code !== 0) throw createErrorFromCode(code)
  return found?.offset
}

function offsetsOfTopic(from: Decoder) {
  from.readUVarIntString() // topic name
  const offsets = from.readUVarIntArray(offsetOfPartition) ?? []
  from.readTaggedFields()
  return offsets
}

function offsetOfPartition(from: Decoder) {
  from.readInt32() // partition
  const code = from.readInt16()
  from.readInt64() // timestamp
  const offset = BigInt(from.readInt64().toString())
  from.readInt32() // leader epoch
  from.readTaggedFields()
  return { code, offset }
}
