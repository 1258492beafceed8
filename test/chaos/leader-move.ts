import { setTimeout as delay } from 'node:timers/promises'
import { testKafka } from '../support/committed-records.ts'
import { array, int8, int32, text } from '../support/servers/kafka-bytes.ts'
import { askBroker, clusterView, type Listener, listenersOf } from '../support/servers/kafka-wire.ts'

const PREFERRED = 0
const MOVED_WITHIN_MS = 5_000

/** Moves the leader of every partition, internal topics included. Resolves to how many leaders have moved. */
export async function moveLeaders(bootstrap: string): Promise<string> {
  const admin = testKafka(bootstrap).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata()
    const moved = topics.map(({ name, partitions }) => ({
      topic: name,
      partitionAssignment: partitions.map(({ partitionId, leader, replicas }) => {
        return { partition: partitionId, replicas: rotated(replicas, leader) }
      }),
    }))
    await admin.alterPartitionReassignments({ topics: moved, timeout: 10_000 })
    const answer = await electPreferred(bootstrap, moved)
    const before = new Map(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionId, leader }) => [`${name}/${partitionId}`, leader]),
      ),
    )
    const names = topics.map(({ name }) => name)
    const others = await otherLeaders(listenersOf(bootstrap), names, before)
    const internal = others.filter((partition) => partition.startsWith('__')).length
    const outcome = `${others.length} of ${before.size} leaders, ${internal} of them internal, ${answer}`
    return internal > 0 && others.length > internal ? outcome : `not moved: ${outcome}`
  } finally {
    await admin.disconnect()
  }
}

/** The partitions with a new leader. Waits for all of them, since brokers learn of new leaders one after the other. */
async function otherLeaders(
  [first]: readonly Listener[],
  topics: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<string[]> {
  for (const lateAt = performance.now() + MOVED_WITHIN_MS; ; await delay(100)) {
    const seen = (first && (await clusterView(first, topics)))?.partitions ?? []
    const others = seen
      .map(({ topic, partition, leader }) => ({ name: `${topic}/${partition}`, leader }))
      .filter(({ name, leader }) => leader >= 0 && before.get(name) !== leader)
    if (others.length === before.size || performance.now() > lateAt) return others.map(({ name }) => name)
  }
}

/** Puts the replica after the leader first, which makes it the preferred leader. */
function rotated(replicas: readonly number[], leader: number): number[] {
  const next = replicas.indexOf(leader) + 1
  return [...replicas.slice(next), ...replicas.slice(0, next)]
}

interface MovedTopic {
  readonly topic: string
  readonly partitionAssignment: readonly { readonly partition: number }[]
}

/** Sends ElectLeaders, which the tests' Kafka client does not have. */
async function electPreferred(bootstrap: string, moved: readonly MovedTopic[]): Promise<string> {
  const topics = moved.map(({ topic, partitionAssignment }) =>
    Buffer.concat([text(topic), array(partitionAssignment.map(({ partition }) => int32(partition)))]),
  )
  const body = Buffer.concat([int8(PREFERRED), array(topics), int32(10_000)])
  for (const listener of listenersOf(bootstrap)) {
    const answer = await askBroker(listener, { api: 'electLeaders', version: 1, body }, 15_000)
    if (answer !== undefined) return `error code ${answer.readInt16BE(4)}` // after the throttle time
  }
  return 'no response'
}
