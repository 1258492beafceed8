import { parseWishes } from '../../connector/checkpoint/wishes.ts'
import { wishesKey } from '../../connector/storage/checkpoint-store-config.ts'
import { fakeKafka } from '../support/fakes/fake-event-publisher.ts'
import type { FakeFault } from '../support/fakes/fake-kafka-cluster.ts'
import { type MemoryFault, memoryStore } from '../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../support/fakes/virtual-clock.ts'
import type { Actor } from './actor.ts'
import type { Defects } from './defects.ts'
import type { HistoryOptions } from './history.ts'
import type { Erasure } from './simulated-erase.ts'
import { simulatedGroup } from './simulated-group.ts'
import { endPauses } from './simulated-operator.ts'
import type { SourceFault } from './simulated-polaris.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { Replica } from './simulated-replica.ts'
import { checkSegments } from './simulated-segments.ts'
import { simulatedStream } from './simulated-stream.ts'

/** An operation that takes effect when the history releases it. */
export interface PendingOperation {
  readonly replica: string
  /** Empty: of the replica as a whole. */
  readonly stream: string
  readonly what: 'source' | 'kafka' | 'store' | 'group' | 'process'
  readonly operation: string
  /** When the caller has given up waiting, of `clock.monotonic()`. */
  readonly dueAt: number
  settle(fault: OperationFault): void
}

/** `before`: error, no effect. `after`: took effect, response lost. `late`: no response, may take effect later. */
export type OperationFault = FakeFault & MemoryFault

export type World = ReturnType<typeof createWorld>

const TIMEOUT_MS = { source: 20_000, kafka: 20_000, store: 15_000, group: 3_000, process: 1_000 }
const ABORT_TIMEOUT_MS = 5_000
/** As brokers are configured by default. */
export const OFFSETS_RETENTION_MS = 7 * 86_400_000

export function createWorld(options: HistoryOptions, defects: Defects, log: (line: string) => void) {
  const clock = virtualClock(options.startAt)
  const pending: PendingOperation[] = []
  const replicas: Replica[] = []
  const enqueue = ({ settle, ...operation }: Omit<PendingOperation, 'dueAt'>) => {
    const { what, operation: name } = operation
    const dueAt = clock.monotonic() + (name === 'abort' ? ABORT_TIMEOUT_MS : TIMEOUT_MS[what])
    pending.push({ ...operation, dueAt, settle })
  }
  const untilReleased = (operation: Omit<PendingOperation, 'dueAt' | 'settle'>) =>
    new Promise<OperationFault>((settle) => enqueue({ ...operation, settle }))
  const processes = new Map<string, SimulatedProcess>()
  const kafka = fakeKafka({
    partitions: 3,
    clock,
    fencing: defects.fencing ?? 'on',
    recordRetentionMs: OFFSETS_RETENTION_MS,
    fault: (operation, stream, replica) => untilReleased({ replica, stream, what: 'kafka', operation }),
    answer: (replica) => new Promise((resolve) => processes.get(replica)?.whenRunning(resolve)),
  })
  const fault = async (stream: string, replica: string) =>
    sourceFaults[await untilReleased({ replica, stream, what: 'source', operation: 'read' })]
  const server = { date: 'right' as DateHeader }
  const date = () => dateOf(server.date, clock.now())
  const streams = Array.from({ length: options.streams }, (_, at) =>
    simulatedStream(at + 1, options, { clock, fault, date, records: () => kafka.committed.length }),
  )
  const violations: string[] = []
  const nextStoreCall = { fault: 'none' as MemoryFault }
  const store = memoryStore({
    fault: () => nextStoreCall.fault,
    conditions: defects.conditions ?? 'kept',
    onStored: (key, text) => {
      const wished = streams.find((one) => wishesKey(one.key) === key)
      const rewind = parseWishes(text)?.rewind
      if (wished !== undefined && parseWishes(text)?.paused !== true) endPauses(wished, kafka.committed.length)
      if (wished !== undefined && rewind != null) wished.rewinds.set(rewind.id, rewind)
      const stream = streams.find((one) => one.key === key)
      if (stream === undefined) return
      stream.documents.push({ text, recordsBefore: kafka.committed.length })
      checkSegments({ store, violations }, stream)
    },
  })
  return {
    /** Commands of operators at work, by stream; `erase STREAM`: that erase. */
    commands: new Map<string, Actor>(),
    options,
    defects,
    clock,
    pending,
    replicas,
    processes,
    enqueue,
    kafka,
    streams,
    nextStoreCall,
    store,
    /** Uploads, listings and deletions of segments whose caller has given up, and that may still take effect. */
    lateSegmentCalls: [] as (() => unknown)[],
    server,
    /** How often time has advanced within the current second. */
    ticks: { second: 0, count: 0 },
    group: simulatedGroup({
      streams: streams.map(({ name }) => name),
      time: clock,
      later: (replica, operation, settle) => enqueue({ replica, stream: '', what: 'group', operation, settle }),
    }),
    erasures: [] as Erasure[],
    /** How many alerts operators have acted on. */
    operator: { alerts: 0 },
    /** Whether the permanent fault of the first stream is active. */
    hasPermanentFault: false,
    /** In ms since 1970; from then on, the `Date` headers are right. */
    faultsEndedAt: Number.POSITIVE_INFINITY,
    /** Streams that are held. */
    held: new Set<string>(),
    /** Kinds of the events that the connector reported. */
    eventKinds: new Set<string>(),
    /** Logs a step. */
    log: (text: string) => log(`${((clock.now() - options.startAt) / 1000).toFixed(3)} s  ${text}`),
    /** Violations found while the history runs. */
    violations,
  }
}

/** The `Date` headers of the servers; a number: ms ahead of the time (negative: behind). */
export type DateHeader = 'right' | 'missing' | 'stands still' | number

function dateOf(header: DateHeader, now: number): number | undefined {
  if (header === 'missing') return undefined
  if (header === 'stands still') return Math.floor(now / DAY_MS) * DAY_MS
  return Math.floor((now + (header === 'right' ? 0 : header)) / 1000) * 1000
}

const DAY_MS = 86_400_000

const sourceFaults: Record<OperationFault, SourceFault> = {
  none: 'none',
  before: 'fail',
  after: 'trouble',
  late: 'refuse',
}

/** Runs every promise callback that can run now. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the pending operation number `index` take effect, or fail as `fault` says. */
export function release({ pending, log }: World, index: number, fault: OperationFault): void {
  const [operation] = pending.splice(index, 1)
  if (operation === undefined) return
  const { replica, stream, what, operation: name } = operation
  log(`${replica} ${stream} ${what} ${name}${fault === 'none' ? '' : `: ${fault}`}`)
  operation.settle(fault)
}

/** Advances time to the next timer or operation timeout; an operation that times out gets no response. */
export function tick(world: World): void {
  const { clock, pending, group } = world
  checkTicks(world)
  const overdue = pending.reduce((first, { dueAt }, at) => (dueAt < (pending[first]?.dueAt ?? 0) ? at : first), 0)
  const dueAt = pending[overdue]?.dueAt ?? Number.POSITIVE_INFINITY
  const timerAt = clock.nextTimerAt() ?? Number.POSITIVE_INFINITY
  if (timerAt <= dueAt && timerAt < Number.POSITIVE_INFINITY) clock.fireNext()
  else {
    clock.pass(Math.max(0, Math.min(dueAt, clock.monotonic() + 1_000) - clock.monotonic()))
    if (dueAt <= clock.monotonic()) release(world, overdue, 'late')
  }
  group.expire()
}

/** More timers than all replicas can need in a second. */
const MOST_TICKS = 500

function checkTicks({ ticks, clock, violations }: World): void {
  const second = Math.floor(clock.monotonic() / 1000)
  ticks.count = second === ticks.second ? ticks.count + 1 : 0
  ticks.second = second
  if (ticks.count === MOST_TICKS) violations.push(`a replica waits ${MOST_TICKS} times within a second`)
}
