import { expect, it } from 'vitest'
import { fetchNote, noteOffsets, parseNote } from '../../../connector/publish/commit-note.ts'
import type { Cluster, CoordinatorFinder } from '../../../connector/publish/kafkajs/kafka-cluster.ts'
import type { KafkaRequest } from '../../../connector/publish/kafkajs/kafka-protocol.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'

const place = { group: 'shop.north', topic: 'events' }
const note = { epoch: 3, seq: 12, nonce: 'n' }

it('writes a note as the offset of partition 0 with its metadata, and reads back the same', () => {
  const written = noteOffsets(place, note)
  expect(written).toEqual({
    consumerGroupId: 'shop.north',
    topics: [
      { topic: 'events', partitions: [{ partition: 0, offset: '12', metadata: '{"epoch":3,"seq":12,"nonce":"n"}' }] },
    ],
  })
  const [stored] = written.topics[0]?.partitions ?? []
  expect(stored && parseNote(place, stored)).toEqual(note)
})

it.each([
  ['without metadata', { offset: '12', metadata: null }],
  ['that is not JSON', { offset: '12', metadata: 'consumer-1' }],
  ['of another form', { offset: '12', metadata: '{"epoch":"3","seq":12,"nonce":"n"}' }],
  ['whose offset is not its seq', { offset: '13', metadata: '{"epoch":3,"seq":12,"nonce":"n"}' }],
  ['that is JSON null', { offset: '12', metadata: 'null' }],
])('stops for an offset %s', (_what, stored) => {
  let code = 'none'
  try {
    parseNote(place, stored)
  } catch (error) {
    code = codeOf(error)
  }
  expect(code).toBe('checkpoint.unknown-format')
})

/** A cluster in which broker 1 keeps notes as it had them before it was cut off, and names itself; broker 2 has the note of now. */
function dividedCluster() {
  const broker = (nodeId: number, offset: string) => {
    const metadata = JSON.stringify({ epoch: 3, seq: Number(offset), nonce: 'n' })
    const answer = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0]) // no offset is unstable
    return {
      ...{ nodeId, versions: { 9: { maxVersion: 7 } } },
      offsetFetch: async () => ({ responses: [{ partitions: [{ partition: 0, offset, metadata }] }] }),
      connectionPool: {
        send: async <Answer>({ response }: KafkaRequest<Answer>) => response.parse(await response.decode(answer)),
      },
    }
  }
  const brokers = [broker(1, '11'), broker(2, '12')]
  const cluster = {
    findGroupCoordinator: async () => brokers[0],
    findBroker: async ({ nodeId }: { nodeId: number }) => brokers.find((one) => one.nodeId === nodeId),
    refreshMetadata: async () => undefined,
  }
  return cluster as unknown as Cluster
}

it('reads the note of whom the broker names that fenced the others, whatever another one says', async () => {
  const asked: unknown[] = []
  const knows: CoordinatorFinder = {
    findGroupCoordinator: async (of) => {
      asked.push(of)
      return { coordinator: { nodeId: 2 } }
    },
  }
  expect(await fetchNote(dividedCluster(), place, knows)).toEqual({ note, isHanging: false })
  expect(asked).toEqual([{ groupId: 'shop.north', coordinatorType: 0 }])
  expect((await fetchNote(dividedCluster(), place)).note?.seq).toBe(11)
})
