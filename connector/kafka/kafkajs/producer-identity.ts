import { AsyncLocalStorage } from 'node:async_hooks'
import type { CoordinatorFinder, ProducerIdentity } from './cluster.ts'

/** The part of kafkajs' broker that initializes a producer. */
export interface ProducerInitializer extends CoordinatorFinder {
  initProducerId(request: unknown): Promise<ProducerIdentity>
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

/** Makes kafkajs report each new identity to `withIdentity`. */
export function reportIdentities(broker: ProducerInitializer): void {
  const original = broker.initProducerId
  broker.initProducerId = async function initProducerId(this: ProducerInitializer, request) {
    const { producerId, producerEpoch } = await original.call(this, request)
    listener.getStore()?.({ identity: { producerId, producerEpoch }, coordinator: this })
    return { producerId, producerEpoch }
  }
}
