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

/** Connects and initializes the producer of this cluster object. Resolves with its identity and the coordinator that assigned it. */
export async function initialized(
  producer: Pick<Producer, 'connect' | 'transaction'>,
  cluster: Pick<Cluster, 'findGroupCoordinator'>,
) {
  await producer.connect()
  const found: { identity: ProducerIdentity; coordinator: CoordinatorFinder }[] = []
  const { findGroupCoordinator: find } = cluster
  cluster.findGroupCoordinator = async (query) => {
    const coordinator = await find.call(cluster, query)
    const initProducerId = async (request: unknown) => {
      const { producerId, producerEpoch } = await coordinator.initProducerId(request)
      found.push({ identity: { producerId, producerEpoch }, coordinator })
      return { producerId, producerEpoch }
    }
    return Object.assign(Object.create(coordinator), { initProducerId })
  }
  const unused = await producer.transaction()
  cluster.findGroupCoordinator = find
  await unused.abort() // local: it has sent nothing
  const [identified] = found
  if (identified === undefined) throw new TypeError('unsupported kafkajs: no producer was initialized')
  return identified
}
