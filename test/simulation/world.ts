import type { SourceFault } from '../support/fake-client-source.ts'
import { fakeKafka } from '../support/fake-event-publisher.ts'
import type { FakeFault } from '../support/fake-kafka-cluster.ts'
import { type MemoryFault, memoryStore } from '../support/memory-versioned-object.ts'
import { virtualClock } from '../support/virtual-clock.ts'
import type { HistoryOptions } from './history.ts'
import { simulatedGroup } from './simulated-group.ts'
import type { Replica } from './simulated-replica.ts'
import { simulatedStream } from './simulated-stream.ts'
import type { Surgery } from './surgery.ts'

/** Something that happens when the history lets it. */
export interface Waiting {
  readonly replica: string
  /** Empty: of the replica as a whole. */
  readonly stream: string
  readonly what: 'source' | 'kafka' | 'store' | 'group' | 'wake'
  readonly operation: string
  /** When nobody waits for the answer any longer, of `clock.monotonic()`. */
  readonly dueAt: number
  settle(fate: Fate): void
}

/** `before`: nothing happened, error. `after`: it happened, the answer was lost. `late`: no answer, and it may happen later. */
export type Fate = FakeFault & MemoryFault

export type World = ReturnType<typeof createWorld>

const PATIENCE_MS = { source: 20_000, kafka: 20_000, store: 15_000, group: 3_000, wake: 1_000 }
const ABORT_PATIENCE_MS = 5_000

export function createWorld(options: HistoryOptions, surgery: Surgery, tell: (line: string) => void) {
  const clock = virtualClock(options.startAt)
  const waiting: Waiting[] = []
  const replicas: Replica[] = []
  const wait = ({ settle, ...operation }: Omit<Waiting, 'dueAt'>) => {
    const { what, operation: name } = operation
    const dueAt = clock.monotonic() + (name === 'abort' ? ABORT_PATIENCE_MS : PATIENCE_MS[what])
    waiting.push({ ...operation, dueAt, settle })
  }
  const fate = (operation: Omit<Waiting, 'dueAt' | 'settle'>) =>
    new Promise<Fate>((settle) => wait({ ...operation, settle }))
  const lifeOf = (name: string) => replicas.find((replica) => replica.name === name)?.life
  const kafka = fakeKafka({
    partitions: 3,
    clock,
    fencing: surgery.fencing ?? 'on',
    fault: (operation, stream, replica) => fate({ replica, stream, what: 'kafka', operation }),
    answer: (replica) => new Promise((resolve) => lifeOf(replica)?.whenRunning(resolve)),
  })
  const fault = async (stream: string, replica: string) =>
    sourceFaults[await fate({ replica, stream, what: 'source', operation: 'read' })]
  const streams = Array.from({ length: options.streams }, (_, at) => simulatedStream(at + 1, options, { clock, fault }))
  const nextStoreCall = { fate: 'none' as MemoryFault }
  return {
    ...{ options, surgery, clock, waiting, replicas, wait, kafka, streams, nextStoreCall },
    store: memoryStore({
      fate: () => nextStoreCall.fate,
      conditions: surgery.conditions ?? 'kept',
      onStored: (key, text) =>
        streams.find((stream) => stream.key === key)?.documents.push({ text, recordsBefore: kafka.committed.length }),
    }),
    group: simulatedGroup({
      streams: streams.map(({ name }) => name),
      time: clock,
      later: (replica, operation, settle) => wait({ replica, stream: '', what: 'group', operation, settle }),
    }),
    /** Whether the first stream suffers from its affliction. */
    isAfflicted: false,
    /** Everything that the product told of, by kind. */
    happened: new Set<string>(),
    /** Tells a step, in words. */
    tell: (words: string) => tell(`${((clock.now() - options.startAt) / 1000).toFixed(3)} s  ${words}`),
    /** Faults that show at once, in words. */
    found: [] as string[],
  }
}

const sourceFaults: Record<Fate, SourceFault> = { none: 'none', before: 'fail', after: 'fail', late: 'refuse' }

/** Lets every promise that can go on go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function release({ waiting, tell }: World, index: number, fate: Fate): void {
  const [operation] = waiting.splice(index, 1)
  if (operation === undefined) return
  const { replica, stream, what, operation: name } = operation
  tell(`${replica} ${stream} ${what} ${name}${fate === 'none' ? '' : `: ${fate}`}`)
  operation.settle(fate)
}

/** Time goes on to whatever is due next; an operation that nobody waits for any longer goes unanswered. */
export function tick(world: World): void {
  const { clock, waiting, group } = world
  const overdue = waiting.reduce((first, { dueAt }, at) => (dueAt < (waiting[first]?.dueAt ?? 0) ? at : first), 0)
  const dueAt = waiting[overdue]?.dueAt ?? Number.POSITIVE_INFINITY
  const timerAt = clock.nextTimerAt() ?? Number.POSITIVE_INFINITY
  if (timerAt <= dueAt && timerAt < Number.POSITIVE_INFINITY) clock.fireNext()
  else {
    clock.pass(Math.max(0, Math.min(dueAt, clock.monotonic() + 1_000) - clock.monotonic()))
    if (dueAt <= clock.monotonic()) release(world, overdue, 'late')
  }
  group.expire()
}
