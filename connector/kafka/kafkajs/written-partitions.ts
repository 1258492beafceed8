import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestTarget } from './protocol.ts'

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number }[]
}

/** The part of kafkajs' broker that sends produce requests. */
export interface ProduceTarget extends RequestTarget {
  produce(request: { readonly topicData: readonly TopicPartitions[] }): Promise<unknown>
}

/** Partitions that were written to, and the broker that led them at that time. */
export interface WrittenPartitions {
  readonly leader: RequestTarget
  readonly topic: string
  readonly partitions: Set<number>
}

const current = new AsyncLocalStorage<WrittenPartitions[]>()

/** Runs `work` and adds to `written` each partition to which kafkajs sends records in it. */
export function recordingWrites<Result>(written: WrittenPartitions[], work: () => Promise<Result>): Promise<Result> {
  return current.run(written, work)
}

/** Makes kafkajs report its writes to `recordingWrites`. */
export function reportWrites(broker: ProduceTarget): void {
  const original = broker.produce
  broker.produce = async function produce(this: ProduceTarget, request) {
    const written = current.getStore()
    if (written !== undefined) for (const data of request.topicData) add(written, this, data)
    return await original.call(this, request)
  }
}

function add(written: WrittenPartitions[], leader: RequestTarget, { topic, partitions }: TopicPartitions): void {
  const known = written.find((one) => one.leader === leader && one.topic === topic) ?? {
    ...{ leader, topic, partitions: new Set<number>() },
  }
  if (!written.includes(known)) written.push(known)
  for (const { partition } of partitions) known.partitions.add(partition)
}
