import { expect, test } from 'vitest'
import type { Cluster } from '../../../../connector/kafka/cluster.ts'
import { leadersOf, offsetsOf } from '../../../../connector/kafka/reading/partition-reads.ts'

test('a partition that the metadata lack is not passed over: it may be the one with an open transaction', async () => {
  const cluster = {
    addTargetTopic: async () => {},
    findLeaderForPartitions: () => ({ 1: [0, 2] }),
    findBroker: async () => ({ nodeId: 1 }),
    fetchTopicsOffset: async () => [{ topic: 'e', partitions: [{ partition: 0, offset: '0' }] }],
  } as unknown as Cluster
  const noLeader = { type: 'LEADER_NOT_AVAILABLE' }
  await expect(leadersOf(cluster, { topic: 'e', partitions: 3 })).rejects.toMatchObject(noLeader)
  await expect(leadersOf(cluster, { topic: 'e', partitions: new Set([0, 1, 2]) })).rejects.toMatchObject(noLeader)
  await expect(offsetsOf(cluster, { topic: 'e', partitions: 2 }, 'end')).rejects.toMatchObject(noLeader)
  expect(await leadersOf(cluster, { topic: 'e', partitions: [0, 2] })).toHaveLength(1)
})
