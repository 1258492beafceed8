import { expect, test } from 'vitest'
import type { Cluster, CoordinatorFinder } from '../../../../connector/kafka/cluster.ts'
import type { KafkaRequest } from '../../../../connector/kafka/kafkajs/requests.ts'
import { fetchCommitRecord, parseCommitRecord } from '../../../../connector/kafka/transactions/kafka-state.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'

// Two brokers answer differently, as in a partitioned cluster.

const place = { group: 'shop.north', topic: 'events' }
const record = { epoch: 3, seq: 12, nonce: 'n', nextEvent: 40 }

test.each([
  ['without metadata', { offset: '12', metadata: null }],
  ['that is not JSON', { offset: '12', metadata: 'consumer-1' }],
  ['with a field of another type', { offset: '12', metadata: '{"epoch":"3","seq":12,"nonce":"n","events":40}' }],
  ['whose offset is not its seq', { offset: '13', metadata: '{"epoch":3,"seq":12,"nonce":"n","events":40}' }],
  ['that is JSON null', { offset: '12', metadata: 'null' }],
])('rejects an offset %s', (_what, stored) => {
  let code = 'none'
  try {
    parseCommitRecord(place, stored)
  } catch (error) {
    code = codeOf(error)
  }
  expect(code).toBe('checkpoint.unknown-format')
})

/**
 * Broker 1 is partitioned from the cluster: it has an old record and names itself as coordinator. Broker 2 has the
 * current record.
 */
function partitionedCluster() {
  const broker = (nodeId: number, offset: string) => {
    const metadata = JSON.stringify({ ...record, seq: Number(offset) })
    const partition = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Number(offset), 0, 0, 0, 0, metadata.length + 1]
    const found = [2, 2, 0x65, 2, ...partition, ...Buffer.from(metadata), 0, 0, 0, 0, 0, 0, 0]
    const answer = Buffer.from([0, 0, 0, 0, 0, ...found])
    return {
      nodeId,
      versions: { 9: { maxVersion: 7 } },
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

test('reads from the coordinator that `coordinatorFinder` names, not from a broker that names itself', async () => {
  const asked: unknown[] = []
  const coordinatorFinder: CoordinatorFinder = {
    findGroupCoordinator: async (of) => {
      asked.push(of)
      return { coordinator: { nodeId: 2 } }
    },
  }
  expect(await fetchCommitRecord(partitionedCluster(), place, coordinatorFinder)).toEqual({ kind: 'record', record })
  expect(asked).toEqual([{ groupId: 'shop.north', coordinatorType: 0 }])
  const ofOld = await fetchCommitRecord(partitionedCluster(), place, undefined)
  expect(ofOld).toEqual({ kind: 'record', record: { ...record, seq: 11 } })
})
