import type { CommitRecord, EventPublisher, OpenOptions } from '../../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../../connector/runtime/abort.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import {
  abortOpen,
  type Cluster,
  currentRecord,
  type FakeKafkaOptions,
  type FakeRecord,
  type FakeStream,
  foundRecord,
  lost,
  type StreamState,
  stateOf,
  streamOfReplica,
} from './fake-kafka-cluster.ts'
import { destinationOf, transactionalProducer } from './fake-publisher-session.ts'

export type {
  FakeFault,
  FakeKafkaOptions,
  FakeOperation,
  FakeRecord,
} from './fake-kafka-cluster.ts'

/** An in-memory Kafka cluster, shared by the publishers (replicas) of all streams. Deterministic, without timers. */
export interface FakeKafka {
  publisher(of: FakeStream): EventPublisher
  /** The records that a `read_committed` consumer has received so far, in order. */
  readonly committed: FakeRecord[]
  /** The last committed commit record, even if no producer can read it yet. */
  record(connector: string, stream: string): CommitRecord | undefined
  deleteRecord(connector: string, stream: string): void
  /** Deletes the events topic, its records and all commit records. The next opening may create it again. */
  deleteTopic(): void
  /** Gives the events topic another partition, which producers see that are opened from now on. */
  grow(): void
  /** Gives the transactional id another producer id at the next opening. */
  expireProducerId(connector: string, stream: string): void
  /** The open transaction times out: the broker aborts it and fences its producer. */
  timeOut(connector: string, stream: string): void
  /** Loses one marker of the stream's next transaction, as Kafka does when a partition has no leader. */
  loseNextMarker(connector: string, stream: string): void
  /** Omits the marker of the stream's next commit record. */
  loseNextRecordMarker(connector: string, stream: string): void
  /** Cancels all pending marker losses. */
  keepMarkers(): void
  /** Records without a marker: they block `read_committed` consumers of their partition until a repair. */
  hanging(): readonly FakeRecord[]
  /** Streams with an open transaction, which blocks `read_committed` consumers. */
  openTransactions(): readonly string[]
  /** Number of operations that have yet to take effect. */
  readonly lateCount: number
  /** Delivers late operation `index` (0 = oldest); rejected if its producer has been fenced meanwhile. */
  deliverLate(index?: number): void
  /** From now on no operation of the replica settles; one in the hook takes effect only if `after` or `late`. */
  crash(replica: string): void
}

export function fakeKafka(options: FakeKafkaOptions): FakeKafka {
  const cluster: Cluster = {
    options,
    streams: new Map(),
    committed: [],
    late: [],
    crashed: new Set(),
    partitions: options.partitions,
    topicId: 'topic 1',
    topics: 1,
    transactions: 0,
    written: new Set(),
  }
  return {
    publisher: (of) => fakePublisher(cluster, of),
    committed: cluster.committed,
    record: (connector, stream) => currentRecord(cluster, stateOf(cluster, `${connector}.${stream}`)),
    deleteRecord: (connector, stream) => deleteRecord(stateOf(cluster, `${connector}.${stream}`)),
    deleteTopic: () => {
      cluster.topicId = undefined
      cluster.committed.length = 0
      cluster.written.clear()
      for (const state of cluster.streams.values()) {
        deleteRecord(state)
        state.hanging = []
      }
    },
    grow: () => {
      cluster.partitions += 1
    },
    expireProducerId: (connector, stream) => {
      stateOf(cluster, `${connector}.${stream}`).producerId += '+'
    },
    timeOut: (connector, stream) => {
      const state = stateOf(cluster, `${connector}.${stream}`)
      if (state.open !== undefined) fence(state)
    },
    loseNextMarker: (connector, stream) => {
      stateOf(cluster, `${connector}.${stream}`).losesNextMarker = true
    },
    loseNextRecordMarker: (connector, stream) => {
      stateOf(cluster, `${connector}.${stream}`).losesNextRecordMarker = true
    },
    keepMarkers: () => {
      for (const state of cluster.streams.values()) {
        state.losesNextMarker = false
        state.losesNextRecordMarker = false
      }
    },
    hanging: () => [...cluster.streams.values()].flatMap((state) => state.hanging),
    openTransactions: () => [...cluster.streams].filter(([, { open }]) => open !== undefined).map(([name]) => name),
    get lateCount() {
      return cluster.late.length
    },
    deliverLate: (index = 0) => cluster.late.splice(index, 1)[0]?.(),
    crash: (replica) => cluster.crashed.add(replica),
  }
}

function deleteRecord(state: StreamState): void {
  state.record = undefined
  if (state.readable.kind === 'record') state.readable = { kind: 'none' }
}

/** Fences the current producer and aborts its transaction. */
function fence(state: StreamState): void {
  state.epoch += 1
  abortOpen(state)
}

function fakePublisher(cluster: Cluster, of: FakeStream): EventPublisher {
  const stream = streamOfReplica(cluster, of)
  const { state, request } = stream
  const openTransactional = () => {
    fence(state)
    state.readable = foundRecord(cluster, state)
    return transactionalProducer(stream, state.epoch)
  }
  return {
    open: (options, stop) => {
      const effect = () => {
        mustBeInCluster(cluster, options)
        mustHaveTopic(cluster, options)
        return openTransactional()
      }
      return untilAborted(stop, request({ operation: 'open', effect, lost: lost('open', 'publish.failed') }))
    },
  }
}

function mustBeInCluster(cluster: Cluster, { clusterId }: OpenOptions): void {
  const found = destinationOf(cluster).clusterId
  if (clusterId !== null && found !== clusterId)
    throw new ConnectorError('checkpoint.topic-lost', `fake: the document belongs to ${clusterId}, not to ${found}`)
}

/** Follows the connector's rule: creates a missing topic only if nothing was published to it. */
function mustHaveTopic(cluster: Cluster, { hasPublished }: OpenOptions): void {
  if (cluster.topicId !== undefined) return
  if (hasPublished) throw new ConnectorError('checkpoint.topic-lost', 'fake: the topic no longer exists')
  cluster.topics += 1
  cluster.topicId = `topic ${cluster.topics}`
}
