import { ConnectorError } from '../runtime/connector-error.ts'
import type { NotePlace } from './commit-note.ts'
import type { RequestTarget } from './kafkajs/kafka-protocol.ts'
import {
  createErrorFromCode,
  type Decoder,
  Encoder,
  NO_TAGS,
  sendNewer,
  understands,
} from './kafkajs/kafka-protocol.ts'

const OFFSET_FETCH = 9
/** The first that can ask for stable offsets alone (KIP-447, Kafka 2.5). kafkajs ends with 4. */
const VERSION = 7
const UNSTABLE_OFFSET_COMMIT = 88

/** Whether the group has another offset for the place, whose transaction has no end yet. Rejects with kafkajs' errors, and with `publish.refused` where Kafka is too old to tell. */
export async function hasUnstableOffset(coordinator: RequestTarget, { group, topic }: NotePlace): Promise<boolean> {
  if (!understands(coordinator, OFFSET_FETCH, VERSION))
    throw new ConnectorError('publish.refused', `read the note in group ${group}: Kafka 2.5 or newer is needed`)
  const partition0 = new Encoder().writeUVarIntString(topic).writeUVarInt(ONE_ITEM).writeInt32(0).writeUVarInt(NO_TAGS)
  const code = await sendNewer(coordinator, {
    ...{ apiKey: OFFSET_FETCH, apiVersion: VERSION, apiName: 'OffsetFetch' },
    write: (to) => to.writeUVarIntString(group).writeUVarIntArray([partition0]).writeBoolean(true),
    read: (from) => {
      const codes = from.readUVarIntArray(codesOfTopic) ?? []
      return [...codes.flat(), from.readInt16()].find((one) => one !== 0) ?? 0
    },
  })
  if (code !== 0 && code !== UNSTABLE_OFFSET_COMMIT) throw createErrorFromCode(code)
  return code === UNSTABLE_OFFSET_COMMIT
}

/** How long a list of one is, as Kafka writes it. */
const ONE_ITEM = 2

function codesOfTopic(from: Decoder): number[] {
  from.readUVarIntString() // its name
  const codes = from.readUVarIntArray(codeOfPartition) ?? []
  from.readTaggedFields()
  return codes
}

function codeOfPartition(from: Decoder): number {
  from.readInt32() // the partition
  from.readInt64() // its offset
  from.readInt32() // its leader's epoch
  from.readUVarIntString() // its metadata
  const code = from.readInt16()
  from.readTaggedFields()
  return code
}
