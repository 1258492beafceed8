import { KafkaCode } from '../kafka-errors.ts'
import {
  createErrorFromCode,
  type Decoder,
  Encoder,
  mustSupport,
  NO_TAGS,
  type RequestTarget,
  sendFlexible,
} from './protocol.ts'

const PRODUCE = { apiKey: 0, apiVersion: 9, apiName: 'Produce' } as const // Kafka 2.8: tagged fields

/** No topic has this partition. */
const NO_PARTITION = 2 ** 31 - 1
const ALL_IN_SYNC = -1
const TIMEOUT_MS = 1_000

/**
 * Produces no records, outside of a transaction, to a partition that does not exist. The broker first checks the ACL
 * WRITE on the topic, whether or not the topic exists, and always rejects: with UNKNOWN_TOPIC_OR_PARTITION if this user
 * may write. Rejects with kafkajs' errors or `publish.broker-too-old`.
 */
export async function produceNothing(broker: RequestTarget, topic: string): Promise<never> {
  mustSupport(broker, PRODUCE)
  const partition = new Encoder().writeInt32(NO_PARTITION).writeUVarIntString('').writeUVarInt(NO_TAGS)
  const codes = await sendFlexible(broker, {
    ...PRODUCE,
    write: (to) =>
      to
        .writeUVarIntString(null) // transactional id
        .writeInt16(ALL_IN_SYNC)
        .writeInt32(TIMEOUT_MS)
        .writeUVarIntArray([
          new Encoder().writeUVarIntString(topic).writeUVarIntArray([partition]).writeUVarInt(NO_TAGS),
        ]),
    read: (from) => (from.readUVarIntArray(codesOfTopic) ?? []).flat(),
  })
  throw createErrorFromCode(codes[0] ?? KafkaCode.UNKNOWN_TOPIC_OR_PARTITION)
}

function codesOfTopic(from: Decoder): number[] {
  from.readUVarIntString() // name
  const codes = from.readUVarIntArray(codeOfPartition) ?? []
  from.readTaggedFields()
  return codes
}

function codeOfPartition(from: Decoder): number {
  from.readInt32() // partition
  const code = from.readInt16()
  from.readInt64() // base offset
  from.readInt64() // log append time
  from.readInt64() // log start offset
  from.readUVarIntArray(skipRecordError)
  from.readUVarIntString() // error message
  from.readTaggedFields()
  return code
}

function skipRecordError(from: Decoder): undefined {
  from.readInt32() // index in the batch
  from.readUVarIntString() // error message
  from.readTaggedFields()
}
