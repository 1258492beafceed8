import type { FakeRecord } from '../support/fake-event-publisher.ts'
import { endFairly } from './fair-end.ts'
import { startReplica } from './simulated-replica.ts'
import type { SimulatedStream } from './simulated-stream.ts'
import type { Surgery } from './surgery.ts'
import { act } from './tape.ts'
import { createWorld, settle } from './world.ts'

/**
 * One history: the real pipelines of several replicas on fakes that share one Kafka, one store, one group, and a source for each stream.
 * Every operation waits until the history lets it happen: in any order, with any fault; a replica may crash, stand still or be told to stop
 * at each of them. A tape of numbers decides.
 */
export interface HistoryOptions {
  /** Each number is one decision; when they are used up, the history ends fairly: no more faults. */
  readonly tape: readonly number[]
  /** So many run at once at most. */
  readonly replicas: number
  readonly streams: number
  readonly modificationTime: 'shown' | 'hidden'
  readonly tail: 'overlap' | 'checkpoint'
  readonly overlapMs: number
  readonly delivery: 'exactly-once' | 'at-least-once'
  /** When a stream that published nothing closes its session; 0: never. */
  readonly idleAfterMs: number
  /** ms since 1970 */
  readonly startAt: number
  /** What the first stream suffers for ever once everything else is well again. */
  readonly affliction: 'none' | `${'source' | 'kafka' | 'store'} ${'hangs' | 'fails'}` | 'checkpoint damaged'
  /** So many steps after a change everybody is told to stop at the end. */
  readonly stopAfterSteps: number
}

export interface History {
  readonly options: HistoryOptions
  readonly streams: readonly SimulatedStream[]
  /** What a reader of committed records saw of all streams, in order. */
  readonly records: readonly FakeRecord[]
  readonly openTransactions: readonly string[]
  /** Everything that the product told of, by kind. */
  readonly happened: ReadonlySet<string>
  /** What showed to be wrong on the way, in words. */
  readonly found: readonly string[]
}

/** `tell` hears each step, in words. */
export async function runHistory(
  options: HistoryOptions,
  surgery: Surgery = {},
  tell: (line: string) => void = () => undefined,
): Promise<History> {
  const world = createWorld(options, surgery, tell)
  for (let count = 0; count < options.replicas; count += 1) startReplica(world)
  for (const choice of options.tape) {
    await settle()
    await act(world, choice)
  }
  await endFairly(world)
  const { streams, kafka, found, happened } = world
  return { options, streams, found, happened, records: kafka.committed, openTransactions: kafka.openTransactions() }
}
