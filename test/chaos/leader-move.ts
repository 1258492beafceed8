import { testKafka } from '../support/committed-records.ts'
import { array, int8, int32, text } from '../support/servers/kafka-bytes.ts'
import { askBroker } from '../support/servers/kafka-wire.ts'

const PREFERRED = 0

/** Makes another replica the leader of every partition, the coordinators' own included; resolves to how many were asked for. */
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
    return `${moved.reduce((sum, { partitionAssignment }) => sum + partitionAssignment.length, 0)} partitions, ${await electPreferred(bootstrap, moved)}`
  } finally {
    await admin.disconnect()
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
