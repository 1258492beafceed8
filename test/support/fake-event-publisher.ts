import type { EventPublisher, Note } from '../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../connector/publish/until-aborted.ts'
import {
  abortOpen,
  type Cluster,
  currentNote,
  type FakeKafkaOptions,
  type FakeRecord,
  type FakeStream,
  lost,
  type StreamState,
  stateOf,
  streamOfReplica,
} from './fake-kafka-cluster.ts'
import { atLeastOnceSession, transactionalSession } from './fake-publisher-session.ts'

export type {
  FakeFault,
  FakeKafkaOptions,
  FakeOperation,
  FakeRecord,
  FakeStream,
} from './fake-kafka-cluster.ts'

/** One Kafka cluster in memory that many publishers (replicas) of many streams share. No timers, no chance. */
export interface FakeKafka {
  publisher(of: FakeStream): EventPublisher
  /** What a reader of committed records has seen until now, in order. */
  readonly committed: readonly FakeRecord[]
  /** The note that is decided, whether or not a session may read it already. */
  note(connector: string, stream: string): Note | undefined
  deleteNote(connector: string, stream: string): void
  /** The broker aborts a transaction that is open for too long, and fences whoever began it. */
  timeOut(connector: string, stream: string): void
  /** The next transaction of the stream that ends is left without its end, as by Kafka while a partition has no leader. */
  loseNextEnd(connector: string, stream: string): void
  /** The next transaction of the stream that ends is left without the end of its note, where it has one. */
  loseNextNote(connector: string, stream: string): void
  /** From now on no end is lost. */
  keepEnds(): void
  /** Streams with a transaction that blocks the readers. */
  openTransactions(): readonly string[]
  /** How many operations wait to take effect late. */
  readonly lateCount: number
  /** Lets the late operation number `index` (0 = oldest) reach the broker now; what its session has lost meanwhile is refused. */
  deliverLate(index?: number): void
  /** From now on no operation of this replica's sessions settles; one that waits in the hook takes effect only as `after` or `late`. */
  crash(replica: string): void
  setPartitions(partitions: number): void
}

export function fakeKafka(options: FakeKafkaOptions): FakeKafka {
  const cluster: Cluster = {
    options,
    streams: new Map(),
    committed: [],
    late: [],
    crashed: new Set(),
    partitions: options.partitions,
    transactions: 0,
  }
  return {
    publisher: (of) => fakePublisher(cluster, of),
    committed: cluster.committed,
    note: (connector, stream) => currentNote(cluster, stateOf(cluster, `${connector}.${stream}`)),
    deleteNote: (connector, stream) => {
      const state = stateOf(cluster, `${connector}.${stream}`)
      state.note = undefined
      state.readable = { ...state.readable, note: undefined }
    },
    timeOut: (connector, stream) => {
      const state = stateOf(cluster, `${connector}.${stream}`)
      if (state.open !== undefined) fence(state)
    },
    loseNextEnd: (connector, stream) => {
      stateOf(cluster, `${connector}.${stream}`).losesNextEnd = true
    },
    loseNextNote: (connector, stream) => {
      stateOf(cluster, `${connector}.${stream}`).losesNextNote = true
    },
    keepEnds: () => {
      for (const state of cluster.streams.values()) {
        state.losesNextEnd = false
        state.losesNextNote = false
      }
    },
    openTransactions: () => [...cluster.streams].filter(([, { open }]) => open !== undefined).map(([name]) => name),
    get lateCount() {
      return cluster.late.length
    },
    deliverLate: (index = 0) => cluster.late.splice(index, 1)[0]?.(),
    crash: (replica) => cluster.crashed.add(replica),
    setPartitions: (partitions) => {
      cluster.partitions = partitions
    },
  }
}

/** Whoever has a session has one no more; its transaction is over. */
function fence(state: StreamState): void {
  state.epoch += 1
  abortOpen(state)
}

function fakePublisher(cluster: Cluster, of: FakeStream): EventPublisher {
  const stream = streamOfReplica(cluster, of)
  const { state, request } = stream
  const openTransactional = () => {
    fence(state)
    state.readable = { note: currentNote(cluster, state), isHanging: state.unstableNote !== undefined }
    return transactionalSession(stream, state.epoch)
  }
  return {
    open: (stop) => {
      const effect = of.delivery === 'at-least-once' ? () => atLeastOnceSession(stream) : openTransactional
      return untilAborted(stop, request({ operation: 'open', effect, lost: lost('open', 'publish.unreachable') }))
    },
  }
}
