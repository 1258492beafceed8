import { AsyncLocalStorage } from 'node:async_hooks'
import type { CoordinatorFinder } from './kafka-cluster.ts'

/** Who a transactional producer is to the brokers. kafkajs keeps it to itself. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}

/** kafkajs' broker, as far as it gives a producer its identity. */
export interface IdentityGiver extends CoordinatorFinder {
  initProducerId(request: unknown): Promise<ProducerIdentity>
}

interface Given {
  readonly identity: ProducerIdentity
  /** Who gave it: the coordinator of its transactions. */
  readonly coordinator: CoordinatorFinder
}

const listener = new AsyncLocalStorage<(given: Given) => void>()

/** What `work`, in which kafkajs initialises a producer, resolves to, and who that producer is. */
export async function withIdentity<Result>(work: () => Promise<Result>): Promise<Given & { readonly result: Result }> {
  let given: Given | undefined
  const result = await listener.run((told) => {
    given = told
  }, work)
  if (given === undefined) throw new TypeError('kafkajs is not as expected: no producer was initialised')
  return { result, ...given }
}

/** Makes kafkajs tell `withIdentity`. */
export function tellIdentities(broker: IdentityGiver): void {
  const original = broker.initProducerId
  broker.initProducerId = async function initProducerId(this: IdentityGiver, request) {
    const { producerId, producerEpoch } = await original.call(this, request)
    listener.getStore()?.({ identity: { producerId, producerEpoch }, coordinator: this })
    return { producerId, producerEpoch }
  }
}
