import { AsyncLocalStorage } from 'node:async_hooks'
import type { CoordinatorFinder, ProducerIdentity, RequestTarget } from './cluster.ts'

/** What kafkajs' producer hides: its identity, and which partitions it writes to. */

interface ProducedPartitions {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number }[]
}

/** The part of kafkajs' broker that transactions use. */
export interface TransactionBroker extends RequestTarget, CoordinatorFinder {
  initProducerId(request: unknown): Promise<ProducerIdentity>
  produce(request: { readonly topicData: readonly ProducedPartitions[] }): Promise<unknown>
}

interface Initialized {
  readonly identity: ProducerIdentity
  /** The broker that assigned the identity: the transaction coordinator. */
  readonly coordinator: CoordinatorFinder
}

/** Partitions that were written to, and the broker that led them at that time. */
export interface WrittenPartitions {
  readonly leader: RequestTarget
  readonly topic: string
  readonly partitions: Set<number>
}

const initializing = new AsyncLocalStorage<(initialized: Initialized) => void>()
const writing = new AsyncLocalStorage<WrittenPartitions[]>()

/** Makes kafkajs' brokers serve `withIdentity` and `noting`. */
export function observeTransactions(broker: TransactionBroker): void {
  const { initProducerId: initialize, produce: send } = broker
  broker.initProducerId = async function initProducerId(this: TransactionBroker, request) {
    const { producerId, producerEpoch } = await initialize.call(this, request)
    initializing.getStore()?.({ identity: { producerId, producerEpoch }, coordinator: this })
    return { producerId, producerEpoch }
  }
  broker.produce = async function produce(this: TransactionBroker, request) {
    const written = writing.getStore()
    if (written !== undefined) for (const data of request.topicData) addWritten(written, this, data)
    return await send.call(this, request)
  }
}

/** Runs `work`, in which kafkajs initializes a producer. Resolves with its result and the identity of that producer. */
export async function withIdentity<Result>(
  work: () => Promise<Result>,
): Promise<Initialized & { readonly result: Result }> {
  let initialized: Initialized | undefined
  const result = await initializing.run((reported) => {
    initialized = reported
  }, work)
  if (initialized === undefined) throw new TypeError('unsupported kafkajs: no producer was initialized')
  return { result, ...initialized }
}

/** Runs `work`, and adds to `written` each partition to which kafkajs sends records. */
export const noting = <Result>(written: WrittenPartitions[], work: () => Promise<Result>): Promise<Result> =>
  writing.run(written, work)

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
