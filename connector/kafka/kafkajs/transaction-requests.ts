import { AsyncLocalStorage } from 'node:async_hooks'
import type { Message } from 'kafkajs'
import { hasKafkaError } from '../kafka-errors.ts'
import type { CoordinatorFinder, ProducerIdentity } from './cluster.ts'
import type { RequestTarget } from './protocol.ts'

/** What kafkajs' producer hides: its identity, and which partitions it adds to a transaction and writes to. */

interface AddedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface ProducedPartitions {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number }[]
}

/** The part of kafkajs' broker that transactions use. */
export interface TransactionBroker extends RequestTarget, CoordinatorFinder {
  initProducerId(request: unknown): Promise<ProducerIdentity>
  addPartitionsToTxn(request: { readonly topics: readonly AddedPartitions[] }): Promise<unknown>
  produce(request: { readonly topicData: readonly ProducedPartitions[] }): Promise<unknown>
}

/** Makes kafkajs' brokers serve `withIdentity` and `sendingTo`. */
export function observeTransactions(broker: TransactionBroker): void {
  reportIdentities(broker)
  addTogether(broker)
  reportWrites(broker)
}

interface Initialized {
  readonly identity: ProducerIdentity
  /** The broker that assigned the identity: the transaction coordinator. */
  readonly coordinator: CoordinatorFinder
}

const listener = new AsyncLocalStorage<(initialized: Initialized) => void>()

/** Runs `work`, in which kafkajs initializes a producer. Resolves with its result and the identity of that producer. */
export async function withIdentity<Result>(
  work: () => Promise<Result>,
): Promise<Initialized & { readonly result: Result }> {
  let initialized: Initialized | undefined
  const result = await listener.run((reported) => {
    initialized = reported
  }, work)
  if (initialized === undefined) throw new TypeError('unsupported kafkajs: no producer was initialized')
  return { result, ...initialized }
}

function reportIdentities(broker: TransactionBroker): void {
  const original = broker.initProducerId
  broker.initProducerId = async function initProducerId(this: TransactionBroker, request) {
    const { producerId, producerEpoch } = await original.call(this, request)
    listener.getStore()?.({ identity: { producerId, producerEpoch }, coordinator: this })
    return { producerId, producerEpoch }
  }
}

/** Partitions that were written to, and the broker that led them at that time. */
export interface WrittenPartitions {
  readonly leader: RequestTarget
  readonly topic: string
  readonly partitions: Set<number>
}

interface Sending {
  readonly topics: readonly AddedPartitions[]
  readonly written: WrittenPartitions[]
  adding: Promise<unknown> | undefined
  addsSeparately: boolean
}

const sending = new AsyncLocalStorage<Sending>()

/**
 * Runs `work`, which sends to these partitions. Its first request that adds a partition to the transaction adds all of
 * them: each such request costs a write to Kafka's transaction log. Adds to `written` each partition to which kafkajs
 * sends records.
 */
export function sendingTo<Result>(
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  written: WrittenPartitions[],
  work: () => Promise<Result>,
): Promise<Result> {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  const topics = [...byTopic].map(([topic, some]) => ({ topic, partitions: some.map(({ partition }) => partition) }))
  return sending.run({ topics, written, adding: undefined, addsSeparately: false }, work)
}

/** By itself, kafkajs adds the partitions of each `send` in a separate request. */
function addTogether(broker: TransactionBroker): void {
  const original = broker.addPartitionsToTxn
  broker.addPartitionsToTxn = async function addPartitionsToTxn(this: TransactionBroker, request) {
    const current = sending.getStore()
    if (current === undefined || current.addsSeparately) return await original.call(this, request)
    current.adding ??= original.call(this, { ...request, topics: current.topics })
    try {
      return await current.adding
    } catch (error) {
      current.adding = undefined
      if (hasKafkaError(error, 'CONCURRENT_TRANSACTIONS')) throw error // kafkajs retries
      current.addsSeparately = true // so that the error concerns only one partition
      return await original.call(this, request)
    }
  }
}

function reportWrites(broker: TransactionBroker): void {
  const original = broker.produce
  broker.produce = async function produce(this: TransactionBroker, request) {
    const written = sending.getStore()?.written
    if (written !== undefined) for (const data of request.topicData) addWritten(written, this, data)
    return await original.call(this, request)
  }
}

function addWritten(
  written: WrittenPartitions[],
  leader: RequestTarget,
  { topic, partitions }: ProducedPartitions,
): void {
  let known = written.find((one) => one.leader === leader && one.topic === topic)
  if (known === undefined) {
    known = { leader, topic, partitions: new Set() }
    written.push(known)
  }
  for (const { partition } of partitions) known.partitions.add(partition)
}

/**
 * Messages of one partition, to pass to kafkajs. It groups the messages of a call by `reduce`, and copies the list for
 * each message; this list returns the groups at once.
 */
export function groupedMessages(messages: readonly Message[], partition: number): Message[] {
  return Object.assign([...messages], { reduce: () => ({ [partition]: messages }) })
}
