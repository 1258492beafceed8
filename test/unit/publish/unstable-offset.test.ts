import { expect, it } from 'vitest'
import type { KafkaRequest, RequestTarget } from '../../../connector/publish/kafkajs/kafka-protocol.ts'
import { hasUnstableOffset } from '../../../connector/publish/unstable-offset.ts'

const place = { group: 'shop.north', topic: 'events' }

/** A coordinator that answers with these error codes, of the partition and of the whole. */
function coordinator(ofPartition: number, ofAll: number, maxVersion = 10): RequestTarget {
  const partition = [...[0, 0, 0, 0], ...[0, 0, 0, 0, 0, 0, 0, 9], ...[0, 0, 0, 1], 2, 0x6d, 0, ofPartition, 0]
  const answer = Buffer.from([0, 0, 0, 0, 0, 2, 2, 0x65, 2, ...partition, 0, 0, ofAll, 0])
  const send = async <Answer>({ response }: KafkaRequest<Answer>) => response.parse(await response.decode(answer))
  return { versions: { 9: { maxVersion } }, connectionPool: { send } }
}

it('an offset without an end is told by its code', async () => {
  expect(await hasUnstableOffset(coordinator(0, 0), place)).toBe(false)
  expect(await hasUnstableOffset(coordinator(88, 0), place)).toBe(true)
})

it.each([
  ['of the partition', coordinator(3, 0), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
  ['of the group', coordinator(0, 16), { type: 'NOT_COORDINATOR_FOR_GROUP' }],
])('another code %s is an error', async (_of, target, error) => {
  await expect(hasUnstableOffset(target, place)).rejects.toMatchObject(error)
})

it('a broker that cannot tell is refused, and its error says what is needed', async () => {
  const asked = hasUnstableOffset(coordinator(0, 0, 6), place)
  await expect(asked).rejects.toMatchObject({ code: 'publish.refused', message: expect.stringContaining('Kafka 2.5') })
  await expect(hasUnstableOffset({ ...coordinator(0, 0), versions: null }, place)).rejects.toThrow('Kafka 2.5')
})
