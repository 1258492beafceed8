import { setTimeout as delay } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { testKafka } from '../support/committed-records.ts'
import { array, int8, int32, text } from '../support/servers/kafka-bytes.ts'
import { askBroker } from '../support/servers/kafka-wire.ts'

const PREFERRED = 0
const SHOWN_WITHIN_MS = 5_000

/** Makes another replica the leader of every partition, the coordinators' own included; resolves to how many have another one. */
export async function moveLeaders(bootstrap: string): Promise<string> {
  const admin = testKafka(bootstrap).admin()
  await admin.connect()
  try {
    const before = await leadersSeen(admin)
    const { topics } = await admin.fetchTopicMetadata()
    const moved = topics.map(({ name, partitions }) => ({
      topic: name,
      partitionAssignment: partitions.map(({ partitionId, leader, replicas }) => {
        return { partition: partitionId, replicas: rotated(replicas, leader) }
      }),
    }))
    await admin.alterPartitionReassignments({ topics: moved, timeout: 10_000 })
    const answer = await electPreferred(bootstrap, moved)
    const others = await otherLeaders(admin, before)
    const internal = others.filter((partition) => partition.startsWith('__')).length
    const note = `${others.length} of ${before.size} leaders, ${internal} of them internal, ${answer}`
    return internal > 0 && others.length > internal ? note : `not moved: ${note}`
  } finally {
    await admin.disconnect()
  }
}

async function leadersSeen(admin: Admin): Promise<Map<string, number>> {
  const { topics } = await admin.fetchTopicMetadata()
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionId, leader }) => [`${name}/${partitionId}`, leader] as const),
    ),
  )
}

/** The partitions that another one leads, as soon as that is all of them; brokers hear of it one after the other. */
async function otherLeaders(admin: Admin, before: ReadonlyMap<string, number>): Promise<string[]> {
  for (const lateAt = performance.now() + SHOWN_WITHIN_MS; ; await delay(100)) {
    const seen = await leadersSeen(admin)
    const others = [...seen].filter(([partition, leader]) => before.get(partition) !== leader)
    if (others.length === seen.size || performance.now() > lateAt) return others.map(([partition]) => partition)
  }
}

/** The one behind the leader comes first, which makes it the preferred leader. */
function rotated(replicas: readonly number[], leader: number): number[] {
  const next = replicas.indexOf(leader) + 1
  return [...replicas.slice(next), ...replicas.slice(0, next)]
}

interface MovedTopic {
  readonly topic: string
  readonly partitionAssignment: readonly { readonly partition: number }[]
}

/** The client of the tests has no such request. */
async function electPreferred(bootstrap: string, moved: readonly MovedTopic[]): Promise<string> {
  const topics = moved.map(({ topic, partitionAssignment }) =>
    Buffer.concat([text(topic), array(partitionAssignment.map(({ partition }) => int32(partition)))]),
  )
  const body = Buffer.concat([int8(PREFERRED), array(topics), int32(10_000)])
  for (const address of bootstrap.split(',')) {
    const answer = await askBroker(Number(address.split(':')[1]), { api: 'electLeaders', version: 1, body }, 15_000)
    if (answer !== undefined) return `answer ${answer.readInt16BE(4)}` // behind the throttle time
  }
  return 'no answer'
}
