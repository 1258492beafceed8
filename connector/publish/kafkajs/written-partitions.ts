import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestTarget } from './kafka-protocol.ts'

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number }[]
}

/** kafkajs' broker, as far as it stores records. */
export interface RecordKeeper extends RequestTarget {
  produce(request: { readonly topicData: readonly TopicPartitions[] }): Promise<unknown>
}

/** The partitions of one topic that were written to, by the broker that led them then. */
export type Written = Map<RequestTarget, Set<number>>

const current = new AsyncLocalStorage<{ readonly topic: string; readonly written: Written }>()

/** Adds to `written` what `work`, in which kafkajs sends records, writes to in `topic`. */
export function noticingWritten<Result>(
  of: { readonly topic: string; readonly written: Written },
  work: () => Promise<Result>,
): Promise<Result> {
  return current.run(of, work)
}

/** Makes kafkajs tell `noticingWritten`. */
export function tellWritten(broker: RecordKeeper): void {
  const original = broker.produce
  broker.produce = async function produce(this: RecordKeeper, request) {
    const of = current.getStore()
    const noticed = request.topicData.filter(({ topic }) => topic === of?.topic).flatMap(({ partitions }) => partitions)
    if (noticed.length > 0) {
      const before = of?.written.get(this) ?? []
      of?.written.set(this, new Set([...before, ...noticed.map(({ partition }) => partition)]))
    }
    return await original.call(this, request)
  }
}
