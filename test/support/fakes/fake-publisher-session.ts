import type { OutgoingRecord } from '../../../connector/event/client-event.ts'
import { partitionOf } from '../../../connector/kafka/partitioner.ts'
import { chunksByPartition } from '../../../connector/kafka/transactions/record-chunks.ts'
import type {
  CommitRecord,
  Destination,
  KafkaState,
  PublisherTransaction,
  RepairPlan,
  StreamProducer,
} from '../../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../../connector/runtime/abort.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'

import { textOf } from '../records.ts'
import {
  abortOpen,
  applyMarkers,
  type Cluster,
  type FakeRecord,
  lost,
  markRecord,
  type OpenTransaction,
  type StreamOfReplica,
  type StreamState,
} from './fake-kafka-cluster.ts'

const TOPIC = 'client.modified'

export function destinationOf(cluster: Cluster): Destination {
  const { partitions, topicId = 'no topic' } = cluster
  return { clusterId: 'fake-cluster', topic: TOPIC, topicId, partitions }
}

/** Copies of the records, as brokers store them. Throws `publish.refused` for a record above the limit, as the connector does. */
function stored(stream: StreamOfReplica, records: readonly OutgoingRecord[], partitions: number, transaction: number) {
  const layout = { topic: 'any', partitions }
  const maxMessageBytes = stream.cluster.options.maxMessageBytes ?? 1_000_000
  chunksByPartition(records, { events: layout, deadLetters: layout, maxMessageBytes, publishedAt: 0 })
  return records.map((record) => ({
    ...textOf(record),
    partition:
      record.value === null ? record.partition : partitionOf(Buffer.from(record.key ?? record.value), partitions),
    stream: stream.name,
    replica: stream.replica,
    transaction,
    at: stream.cluster.options.clock.now(),
  }))
}

interface ProducerState {
  /** Number of partitions when the producer was opened. */
  readonly partitions: number
  readonly topicId: string | undefined
  isInTransaction: boolean
  isOver: boolean
}

function newProducer({ cluster }: StreamOfReplica): ProducerState {
  const { partitions, topicId } = cluster
  return { partitions, topicId, isInTransaction: false, isOver: false }
}

function enterTransaction(producer: ProducerState): void {
  if (producer.isOver) throw new ConnectorError('bug', 'begin a transaction: the producer is closed')
  if (producer.isInTransaction) throw new ConnectorError('bug', 'begin a transaction: another one is open')
  producer.isInTransaction = true
}

function readState(
  { cluster, state, request }: StreamOfReplica,
  { partitions }: Pick<ProducerState, 'partitions'>,
  producerIds: readonly (string | null)[],
  stop: AbortSignal,
): Promise<KafkaState> {
  const effect = (): KafkaState => {
    const hanging = state.hanging.filter(({ producerId }) => producerIds.includes(producerId))
    const openTransactions = hanging.map(({ target, partition, producerId }) => {
      const topic = target === 'events' ? TOPIC : `${TOPIC}.${target}`
      return { topic, partition, startOffset: '0', producerId }
    })
    // As the producer sees the topic, which may have grown since.
    const destination = { ...destinationOf(cluster), partitions }
    return { destination, foundRecord: state.readable, openTransactions, isTopicEmpty: cluster.written.size === 0 }
  }
  return untilAborted(stop, request({ operation: 'state', effect, lost: lost('state', 'publish.failed') }))
}

interface Repairing extends RepairPlan {
  readonly producer: ProducerState
  readonly epoch: number
}

async function repair(stream: StreamOfReplica, repairing: Repairing, stop: AbortSignal): Promise<void> {
  const { state, request } = stream
  const { producer, epoch, outcome } = repairing
  const effect = () => {
    mustBeNewest(epoch, state)
    const own = state.hanging.filter(({ producerId }) => producerId === state.producerId)
    state.hanging = state.hanging.filter((one) => !own.includes(one))
    const marked = applyMarkers(state, own)
    if (outcome === 'committed') makeVisible(stream, epoch, marked)
    const isLeft = state.hanging.some(({ producerId }) => producerId === state.producerId)
    if (isLeft) throw lost('repair', 'publish.outcome-unknown')
  }
  try {
    await untilAborted(stop, request({ operation: 'repair', effect, lost: lost('repair', 'publish.failed') }))
  } catch (error) {
    producer.isOver = true
    throw error
  }
}

function makeVisible({ cluster, state }: StreamOfReplica, epoch: number, records: readonly FakeRecord[]): void {
  const epochs = { own: epoch, newest: state.epoch }
  cluster.committed.push(...records.map((record) => ({ ...record, epochs })))
}

export function transactionalProducer(stream: StreamOfReplica, epoch: number): StreamProducer {
  const producer = newProducer(stream)
  const { state } = stream
  const { producerId } = state
  return {
    producerId,
    readKafkaState: ({ formerProducerId }, stop) => readState(stream, producer, [producerId, formerProducerId], stop),
    repairTransactions: (plan, stop) => repair(stream, { ...plan, producer, epoch }, stop),
    begin: (finish) => {
      enterTransaction(producer)
      return transaction(stream, { producer, epoch }, finish)
    },
    mustNotBeFenced: async (finish) => {
      const effect = () => mustBeNewest(epoch, state)
      const unanswered = lost('last look', 'publish.failed')
      await untilAborted(finish, stream.request({ operation: 'last look', effect, lost: unanswered }))
    },
    mustHaveItsTopic: async () => {
      const { topicId } = stream.cluster
      if (topicId !== undefined && topicId !== producer.topicId)
        throw new ConnectorError('publish.failed', 'fake: the topic was deleted and created again')
    },
    close: async () => {
      producer.isOver = true
    },
  }
}

function mustBeNewest(epoch: number, state: Pick<StreamState, 'epoch'>): void {
  if (epoch !== state.epoch) throw new ConnectorError('publish.fenced', 'fake: another producer was opened')
}

function transaction(
  stream: StreamOfReplica,
  owner: { producer: ProducerState; epoch: number },
  finish: AbortSignal,
): PublisherTransaction {
  const { cluster, state, request } = stream
  const { producer, epoch } = owner
  const own: OpenTransaction = { records: [], number: ++cluster.transactions, isOver: false, hasRecord: false }
  let isSending = false
  let mustAbort = false

  const join = () => {
    if (cluster.options.fencing === 'off') return
    mustBeNewest(epoch, state)
    if (!own.isOver) state.open ??= own
    if (state.open !== own) throw new ConnectorError('publish.fenced', 'fake: the transaction has ended')
  }
  const step = async <Answer>(
    operation: 'send' | 'commit',
    effect: () => Answer,
    unanswered: ConnectorError,
  ): Promise<Answer> => {
    if (producer.isOver) throw new ConnectorError('publish.failed', `${operation}: the producer is closed`)
    if (finish.aborted) producer.isOver = true
    if (finish.aborted)
      throw new ConnectorError('publish.failed', `${operation}: not done in time`, { cause: finish.reason })
    mustAbort = true
    try {
      return await untilAborted(finish, request({ operation, effect, lost: unanswered }))
    } catch (error) {
      producer.isOver = true
      const known = error instanceof ConnectorError && error !== finish.reason ? error : unanswered
      // Like the real producer: no abort follows a commit that may still reach the broker.
      if (known.code === 'publish.outcome-unknown') mustAbort = false
      throw known
    }
  }
  /** Stores the commit record in the transaction before the commit, unless the producer is fenced. */
  const sendRecord = (record: CommitRecord) => {
    if (cluster.options.fencing !== 'off' && (epoch !== state.epoch || own.isOver)) return
    state.open ??= own
    own.hasRecord = true
    state.unstable = record
  }
  const decide = (record: CommitRecord | null) => {
    join()
    if (record !== null) sendRecord(record)
    markRecord(state, own, (value) => {
      state.record = { value, at: cluster.options.clock.now() }
    })
    state.open = undefined
    own.isOver = true
    makeVisible(stream, epoch, applyMarkers(state, own.records))
    // A commit succeeds only once all its markers are confirmed.
    if (state.hanging.some(({ producerId }) => producerId === state.producerId))
      throw lost('commit', 'publish.outcome-unknown')
  }
  const abort = () => {
    own.isOver = true
    if (state.open === own) abortOpen(state)
  }
  return {
    send: async (records) => {
      if (isSending) throw new ConnectorError('bug', 'publish: the records of another call are still being sent')
      isSending = true
      const append = () => {
        const appended = stored(stream, records, producer.partitions, own.number)
        join()
        own.records.push(...appended)
        if (appended.some(({ target }) => target === 'events')) cluster.written.add(stream.name)
      }
      try {
        if (records.length > 0) await step('send', append, lost('send', 'publish.failed'))
      } finally {
        isSending = false
      }
    },
    commit: async (record) => {
      if (isSending) throw new ConnectorError('bug', 'commit: the events are still being sent')
      if (record !== null) sendRecord(record)
      await step('commit', () => decide(record), lost('commit', 'publish.outcome-unknown'))
      producer.isInTransaction = false
      mustAbort = false
    },
    [Symbol.asyncDispose]: async () => {
      producer.isInTransaction = false
      if (!mustAbort) return
      producer.isOver = true
      await request({ operation: 'abort', effect: abort, lost: lost('abort', 'publish.failed') }).catch(() => undefined)
    },
  }
}
