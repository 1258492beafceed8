import { CompressionTypes, type RecordMetadata } from 'kafkajs'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { CommitRecord, PublisherTransaction } from '../../publish/event-publisher.ts'
import { untilAborted } from '../../runtime/abort.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { hasKafkaError, type NeededAcls, transactionError } from '../kafka-errors.ts'
import { kafkaTimes } from '../kafka-times.ts'
import { ownMessages } from '../kafkajs/produce-request.ts'
import { aclsOfCommitRecord, offsetsOfCommitRecord } from './kafka-state.ts'
import { confirmMarkers } from './markers.ts'
import { chunksByPartition, type PartitionChunk, sendChunks } from './record-chunks.ts'
import {
  type ActiveTransaction,
  abortAndDisconnect,
  disconnectNow,
  markClosed,
  type TransactionalProducer,
} from './transactional-producer.ts'

/**
 * Begins a transaction, which sends nothing before `send`. Any error also closes the producer. `finish` is the signal
 * that aborts at the deadline of the delivery, or `stop` of a command. Throws `bug` if another transaction is open.
 */
export function beginTransaction(producer: TransactionalProducer, finish: AbortSignal): PublisherTransaction {
  const { kind } = producer.state
  if (kind !== 'idle') throw new ConnectorError('bug', `begin a transaction: the producer is ${kind}`)
  return {
    send: async (records) => {
      if (records.length > 0) await sendEvents(producer, await activeTransaction(producer, finish), records)
    },
    commit: async (commitRecord) => {
      const active = await activeTransaction(producer, finish)
      if (commitRecord !== null) await sendRecord(producer, active, commitRecord)
      await endTransaction(producer, active)
      const writtenPartitions = [...active.writtenPartitions].map(([topic, partitions]) => ({ topic, partitions }))
      await confirmMarkers(producer, writtenPartitions, finish)
      producer.state = { kind: 'idle' }
    },
    [Symbol.asyncDispose]: async () => {
      const { state } = producer
      if (state.kind === 'active') {
        state.active.deadline[Symbol.dispose]()
        await markClosed(producer, abortAndDisconnect(producer, state.active))
      } else if (state.kind === 'closed') await state.connectionsClosed
    },
  }
}

/** Returns the active transaction, or starts it in kafkajs only: at the broker it begins with its first request. */
async function activeTransaction(producer: TransactionalProducer, finish: AbortSignal): Promise<ActiveTransaction> {
  const { state, clock } = producer
  if (state.kind === 'closed') throw new ConnectorError('publish.failed', 'publish: the producer is closed')
  if (state.kind === 'active') return state.active
  // This sends no request.
  const transaction = await producer.kafkajsProducer.transaction()
  const deadline = clock.deadline(kafkaTimes.commitWithinMs, finish)
  const active = { transaction, deadline, writtenPartitions: new Map(), lastSend: Promise.resolve() }
  producer.state = { kind: 'active', active }
  return active
}

function sendEvents(producer: TransactionalProducer, active: ActiveTransaction, records: readonly OutgoingRecord[]) {
  const { config, clock, topics } = producer
  const work = () => {
    const { maxMessageBytes } = config
    const chunks = chunksByPartition(records, { ...topics, maxMessageBytes, publishedAt: clock.now() })
    const send = (chunk: PartitionChunk) => sendChunk(producer, active, chunk)
    const isClosed = () => producer.state.kind === 'closed'
    for (const { topic, partition } of chunks.flat())
      active.writtenPartitions.set(topic, (active.writtenPartitions.get(topic) ?? new Set()).add(partition))
    active.lastSend = sendChunks(chunks, { send, isClosed })
    return active.lastSend
  }
  return runOrAbort(producer, active, { operation: publishOperation(records.length, topics.events.topic), work })
}

const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  zstd: CompressionTypes.ZSTD,
} as const

async function sendChunk(
  { config }: TransactionalProducer,
  { transaction }: ActiveTransaction,
  { topic, partition, records }: PartitionChunk,
): Promise<RecordMetadata[]> {
  try {
    return await transaction.send({
      topic,
      messages: ownMessages(records, partition),
      acks: -1,
      compression: codecs[config.compression],
      timeout: kafkaTimes.patience.stream.requestMs,
    })
  } catch (error) {
    const neededAcls = { TOPIC_AUTHORIZATION_FAILED: `WRITE on topic ${topic}` }
    throw transactionError(publishOperation(records.length, topic), error, neededAcls)
  }
}

const publishOperation = (records: number, topic: string) =>
  `publish ${records} ${records === 1 ? 'record' : 'records'} to ${topic}`

/**
 * Sends the commit record alone and last. It is a group offset with metadata, which becomes visible with the
 * transaction, and not a message in a topic. With kafkajs, a commit may succeed although its commit record is missing:
 *   1. The events of state 8 are stored in the open transaction.
 *   2. `sendOffsets` fails, for example because a broker is restarted. kafkajs does not try again, and keeps the
 *      transaction open.
 *   3. A commit succeeds: it publishes the events of state 8, while Kafka still has the commit record of state 7.
 *   4. The next opening takes state 7 as valid, reads the pages again, and publishes the events twice.
 * So a commit follows only a commit record that Kafka has confirmed (docs/decisions/20261125-kafkajs-behind-a-port.md).
 */
function sendRecord(producer: TransactionalProducer, active: ActiveTransaction, commitRecord: CommitRecord) {
  const { group } = producer.recordPlace
  const offsets = offsetsOfCommitRecord(producer.recordPlace, commitRecord)
  const work = async (): Promise<void> => {
    try {
      await active.transaction.sendOffsets(offsets)
    } catch (error) {
      // Kafka may still be writing the markers of the previous transaction, or those of the producer that has fenced
      // this one: the next answer tells which. kafkajs itself tries again only for sends.
      if (!hasKafkaError(error, 'CONCURRENT_TRANSACTIONS')) throw error
      await producer.clock.sleep(kafkaTimes.patience.stream.firstPauseMs, active.deadline.signal)
      await work()
    }
  }
  const neededAcls = aclsOfCommitRecord(producer.recordPlace)
  return runOrAbort(producer, active, { operation: `send the commit record to group ${group}`, neededAcls, work })
}

/** Runs a request before the commit. If it fails or times out, aborts the transaction: nothing becomes visible. */
async function runOrAbort<Result>(
  producer: TransactionalProducer,
  active: ActiveTransaction,
  parts: { operation: string; neededAcls?: NeededAcls; work: () => Promise<Result> },
): Promise<Result> {
  const { signal } = active.deadline
  try {
    signal.throwIfAborted()
    const result = await untilAborted(signal, parts.work())
    signal.throwIfAborted()
    return result
  } catch (error) {
    if (producer.state.kind !== 'closed') void markClosed(producer, abortAndDisconnect(producer, active))
    if (signal.aborted) throw new ConnectorError('publish.failed', `${parts.operation}: timed out`, { cause: error })
    throw transactionError(parts.operation, error, parts.neededAcls)
  }
}

/**
 * Invariant 2: this request decides, and is sent once. Only the answer that this producer was fenced proves that
 * nothing became visible; after any other error, the outcome is unknown.
 */
async function endTransaction(producer: TransactionalProducer, active: ActiveTransaction) {
  const operation = `commit the transaction of ${producer.names.transactionalId}`
  try {
    await untilAborted(active.deadline.signal, active.transaction.commit())
  } catch (error) {
    disconnectNow(producer)
    const connectorError = transactionError(operation, error)
    if (connectorError.code === 'publish.fenced') throw connectorError
    throw new ConnectorError('publish.outcome-unknown', `${connectorError.message}: unknown whether it was committed`, {
      cause: error,
    })
  } finally {
    active.deadline[Symbol.dispose]()
  }
}
