import { setTimeout as delay } from 'node:timers/promises'
import { testKafka } from '../support/committed-records.ts'
import { array, int8, int32, text } from '../support/servers/kafka-bytes.ts'
import { askBroker, clusterView } from '../support/servers/kafka-wire.ts'

const PREFERRED = 0
const SHOWN_WITHIN_MS = 5_000

/** Makes another replica the leader of every partition, the coordinators' own included; resolves to how many have another one. */
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
    const others = await otherLeaders(portsOf(bootstrap), names, before)
    const internal = others.filter((partition) => partition.startsWith('__')).length
    const note = `${others.length} of ${before.size} leaders, ${internal} of them internal, ${answer}`
    return internal > 0 && others.length > internal ? note : `not moved: ${note}`
  } finally {
    await admin.disconnect()
  }
}

const portsOf = (bootstrap: string) => bootstrap.split(',').map((address) => Number(address.split(':')[1]))

/** The partitions that another one leads, as soon as that is all of them; brokers hear of it one after the other. */
async function otherLeaders(
  [port = 0]: readonly number[],
  topics: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<string[]> {
  for (const lateAt = performance.now() + SHOWN_WITHIN_MS; ; await delay(100)) {
    const seen = (await clusterView(port, topics))?.partitions ?? []
    const others = seen
      .map(({ topic, partition, leader }) => ({ name: `${topic}/${partition}`, leader }))
      .filter(({ name, leader }) => leader >= 0 && before.get(name) !== leader)
    if (others.length === before.size || performance.now() > lateAt) return others.map(({ name }) => name)
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
  for (const port of portsOf(bootstrap)) {
    const answer = await askBroker(port, { api: 'electLeaders', version: 1, body }, 15_000)
    if (answer !== undefined) return `answer ${answer.readInt16BE(4)}` // behind the throttle time
  }
  return 'no answer'
}
