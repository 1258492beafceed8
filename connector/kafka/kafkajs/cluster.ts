import type { ISocketFactory, Kafka, Producer, ProducerConfig } from 'kafkajs'
import type { Cluster, CoordinatorFinder, ProducerIdentity } from '../cluster.ts'
import { load } from './requests.ts'

/** What kafkajs hides: its sockets, its cluster object, and the connections and the identity of its producer. */

/** Makes the sockets of kafkajs. */
export const newSocketFactory: () => ISocketFactory = load('kafkajs/src/network/socketFactory')

const METADATA_MAX_AGE_MS = 5 * 60_000
const READ_UNCOMMITTED = 0

/** Returns a new cluster object of kafkajs, which can send single requests. */
export function clusterOf(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create = key === undefined ? undefined : Reflect.get(kafka, key)
  if (typeof create !== 'function') throw new TypeError('unsupported kafkajs: it has no createCluster')
  const settings = { allowAutoTopicCreation: false, maxInFlightRequests: 1, metadataMaxAge: METADATA_MAX_AGE_MS }
  return create({ ...settings, isolationLevel: READ_UNCOMMITTED })
}

const createProducer = load('kafkajs/src/producer')

/** Makes a producer, and the cluster object that it uses. */
export function producerOn(kafka: Kafka, settings: ProducerConfig): { kafkajsProducer: Producer; cluster: Cluster } {
  const cluster = clusterOf(kafka)
  return { cluster, kafkajsProducer: createProducer({ ...settings, cluster, logger: kafka.logger() }) }
}

/**
 * Connects and initializes the producer of this cluster object. Resolves with its identity and the coordinator that
 * assigned it.
 */
export async function initializeProducer(
  producer: Pick<Producer, 'connect' | 'transaction'>,
  cluster: Pick<Cluster, 'findGroupCoordinator'>,
) {
  await producer.connect()
  const found: { identity: ProducerIdentity; coordinatorFinder: CoordinatorFinder }[] = []
  const { findGroupCoordinator: find } = cluster
  cluster.findGroupCoordinator = async (query) => {
    const coordinator = await find.call(cluster, query)
    const initProducerId = async (request: unknown) => {
      const { producerId, producerEpoch } = await coordinator.initProducerId(request)
      found.push({ identity: { producerId, producerEpoch }, coordinatorFinder: coordinator })
      return { producerId, producerEpoch }
    }
    return Object.assign(Object.create(coordinator), { initProducerId })
  }
  const unused = await producer.transaction()
  cluster.findGroupCoordinator = find
  await unused.abort() // local: it has sent nothing
  const [initialization] = found
  if (initialization === undefined) throw new TypeError('unsupported kafkajs: no producer was initialized')
  return initialization
}
