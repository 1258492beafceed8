import { AsyncLocalStorage } from 'node:async_hooks'

/** Who a transactional producer is to the brokers. kafkajs keeps it to itself. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}

/** kafkajs' broker, as far as it gives a producer its identity. */
export interface IdentityGiver {
  initProducerId(request: unknown): Promise<ProducerIdentity>
}

const listener = new AsyncLocalStorage<(identity: ProducerIdentity) => void>()

/** What `work`, in which kafkajs initialises a producer, resolves to, and who that producer is. */
export async function withIdentity<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly identity: ProducerIdentity }> {
  let identity: ProducerIdentity | undefined
  const result = await listener.run((given) => {
    identity = given
  }, work)
  if (identity === undefined) throw new TypeError('kafkajs is not as expected: no producer was initialised')
  return { result, identity }
}

/** Makes kafkajs tell `withIdentity`. */
export function tellIdentities(broker: IdentityGiver): void {
  const original = broker.initProducerId
  broker.initProducerId = async function initProducerId(this: IdentityGiver, request) {
    const { producerId, producerEpoch } = await original.call(this, request)
    listener.getStore()?.({ producerId, producerEpoch })
    return { producerId, producerEpoch }
  }
}
