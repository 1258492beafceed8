import type { ScanSettings } from '../../connector/scan/scan-settings.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import { perform } from './actions.ts'
import type { Defects } from './defects.ts'
import { checkRecovery } from './recovery-check.ts'
import type { Erasure } from './simulated-erase.ts'
import type { Behaviour } from './simulated-polaris.ts'
import { startReplica } from './simulated-replica.ts'
import { restoreSegments } from './simulated-segments.ts'
import type { SimulatedStream } from './simulated-stream.ts'
import { createWorld, settle } from './world.ts'

/**
 * One history: the real pipelines of several replicas on fakes, which share one Kafka, one store, one group and one
 * source per stream. Every operation waits until the history releases it, in any order and with any fault. A replica may
 * crash, pause or be asked to stop at any time. A list of numbers decides.
 */
export interface HistoryOptions {
  /** Each number selects one action. After the last one no more faults occur. */
  readonly choices: readonly number[]
  /** Maximum number of replicas that run at once. */
  readonly replicas: number
  readonly streams: number
  readonly scans: Behaviour['scans']
  readonly order: Behaviour['order']
  readonly modificationTime: Behaviour['modificationTime']
  /** Of each stream. */
  readonly clients: number
  /** `all`: also what the kind `crossed` has. */
  readonly actions: 'some' | 'all'
  /** Clients on a page. */
  readonly limit: number
  readonly overlapMs: number
  readonly backfill: ScanSettings['backfill']
  /** 0: none. */
  readonly fullScanEveryMs: number
  /** Whether clients are deleted, and returned as they were: full scans find those. */
  readonly deletions: 'none' | 'some'
  /** `mixed`: every other replica publishes in binary mode. */
  readonly eventMode: 'structured' | 'mixed'
  /** Whose clocks may be wrong. */
  readonly clocks: 'replicas' | 'servers'
  /** ms since 1970 */
  readonly startAt: number
  /** Fault of the first stream that starts when all other faults end, and never ends. */
  readonly permanentFault:
    | 'none'
    | `${'source' | 'kafka' | 'store'} ${'hangs' | 'fails'}`
    /** Openings and empty live pages work. */
    | 'send fails'
    | 'checkpoint damaged'
  /** Steps from the final change until all replicas are asked to stop. */
  readonly stopAfterSteps: number
}

export interface History {
  readonly options: HistoryOptions
  readonly streams: readonly SimulatedStream[]
  /** What a reader of committed records saw of all streams, in order. */
  readonly records: readonly FakeRecord[]
  /** By checkpoint key and name. */
  readonly segments: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>
  readonly erasures: readonly Erasure[]
  readonly openTransactions: readonly string[]
  /** Kinds of the events that the connector reported. */
  readonly eventKinds: ReadonlySet<string>
  /** Violations found while the history ran. */
  readonly violations: readonly string[]
}

/** `log` gets one line per step. */
export async function runHistory(
  options: HistoryOptions,
  defects: Defects = {},
  log: (line: string) => void = () => undefined,
): Promise<History> {
  const world = createWorld(options, defects, log)
  for (let count = 0; count < options.replicas; count += 1) startReplica(world)
  for (const choice of options.choices) {
    await settle()
    await perform(world, choice)
  }
  await checkRecovery(world)
  const { streams, kafka, violations, eventKinds, erasures } = world
  const records = kafka.committed
  const openTransactions = kafka.openTransactions()
  for (const stream of streams) restoreSegments(world, stream)
  const segments = new Map(streams.map(({ key }) => [key, world.store.segments(key).stored]))
  return {
    options,
    streams,
    violations,
    eventKinds,
    records,
    segments,
    erasures,
    openTransactions,
  }
}
