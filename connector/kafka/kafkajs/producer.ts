import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { Kafka, Producer, ProducerConfig } from 'kafkajs'
import { type Cluster, type CoordinatorFinder, clusterOf, type ProducerIdentity } from './cluster.ts'

/** What kafkajs' producer hides: its connections and its identity. */

const createProducer = createRequire(import.meta.url)('kafkajs/src/producer')

/** A producer, and the cluster object that it uses. */
export function producerOn(kafka: Kafka, settings: ProducerConfig): { producer: Producer; cluster: Cluster } {
  const cluster = clusterOf(kafka)
  return { cluster, producer: createProducer({ ...settings, cluster, logger: kafka.logger() }) }
}

interface InitializingBroker extends CoordinatorFinder {
  initProducerId(request: unknown): Promise<ProducerIdentity>
}

interface Identified {
  readonly identity: ProducerIdentity
  /** The broker that assigned the identity: the transaction coordinator. */
  readonly coordinator: CoordinatorFinder
}

const initializing = new AsyncLocalStorage<(identified: Identified) => void>()

/** Makes kafkajs' brokers serve `initialized`. */
export function observeIdentities(broker: InitializingBroker): void {
  const { initProducerId: initialize } = broker
  broker.initProducerId = async function initProducerId(this: InitializingBroker, request) {
    const { producerId, producerEpoch } = await initialize.call(this, request)
    initializing.getStore()?.({ identity: { producerId, producerEpoch }, coordinator: this })
    return { producerId, producerEpoch }
  }
}

/** Connects and initializes the producer. */
export async function initialized(producer: Pick<Producer, 'connect' | 'transaction'>): Promise<Identified> {
  await producer.connect()
  const found: Identified[] = []
  const unused = await initializing.run((identified) => found.push(identified), producer.transaction)
  await unused.abort() // local: it has sent nothing
  const [identified] = found
  if (identified === undefined) throw new TypeError('unsupported kafkajs: no producer was initialized')
  return identified
}
