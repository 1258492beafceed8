import { createRequire } from 'node:module'
import type { DescribeConfigResponse, ISocketFactory, ITopicConfig, Kafka, Cluster as KafkaJsCluster } from 'kafkajs'
import { ConnectorError } from '../../runtime/connector-error.ts'

/** kafkajs' encoder and decoder of Kafka's types, used for requests that kafkajs does not support. */
export interface Encoder {
  writeUVarInt(number: number): Encoder
  writeUVarIntString(text: string | null): Encoder
  writeInt32(number: number): Encoder
  writeArray(texts: readonly string[]): Encoder
  /** For structures only: it omits plain numbers. */
  writeUVarIntArray(items: readonly Encoder[]): Encoder
  writeBoolean(value: boolean): Encoder
}

export interface Decoder {
  readTaggedFields(): void
  readBoolean(): boolean
  readInt16(): number
  readInt32(): number
  readInt64(): { toString(): string }
  readString(): string | null
  readUVarIntString(): string | null
  readBytes(): Buffer | null
  readArray<Item>(item: (decoder: Decoder) => Item): Item[]
  readUVarIntArray<Item>(item: (decoder: Decoder) => Item): Item[] | null
}

const load = createRequire(import.meta.url)

export const Encoder: new () => Encoder = load('kafkajs/src/protocol/encoder')
export const Decoder: new (bytes: Buffer) => Decoder = load('kafkajs/src/protocol/decoder')

/** kafkajs' own sockets. */
export const newSocketFactory: () => ISocketFactory = load('kafkajs/src/network/socketFactory')

/** Returns kafkajs' error for a Kafka error code. */
export const { createErrorFromCode }: { createErrorFromCode(code: number): Error } = load('kafkajs/src/protocol/error')

/** Ends a structure without tagged fields. */
export const NO_TAGS = 0

/** A broker to which requests that kafkajs does not support can be sent. */
export interface RequestTarget {
  /** The versions that the broker supports, by API key. */
  readonly versions?: Readonly<Record<number, { readonly maxVersion: number }>> | null
  readonly connectionPool: { send<Response>(request: KafkaRequest<Response>): Promise<Response> }
}

/** A request in the form that kafkajs uses for its own. */
export interface KafkaRequest<Response> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<unknown>
  }
  readonly response: { decode(bytes: Buffer): Promise<Response>; parse(decoded: Response): Promise<Response> }
}

/** A request in a flexible version, which kafkajs does not support. */
interface NewerRequest<Response> extends Omit<KafkaRequest<Response>['request'], 'encode'> {
  /** Writes the request body, which follows the header. */
  readonly write: (encoder: Encoder) => Encoder
  /** Reads the response body after the throttle time. */
  readonly read: (decoder: Decoder) => Response
}

/**
 * Sends a request in a flexible version, that is, with tagged fields. Rejects with kafkajs' errors, or with
 * `publish.refused` if the broker is too old.
 */
export function sendNewer<Response>(target: RequestTarget, { write, read, ...request }: NewerRequest<Response>) {
  const { apiKey, apiVersion, apiName } = request
  if ((target.versions?.[apiKey]?.maxVersion ?? -1) < apiVersion) {
    const what = `a broker does not support ${apiName} ${apiVersion}: upgrade Kafka to 2.8 or newer`
    throw new ConnectorError('publish.refused', what)
  }
  const encode = async () => write(new Encoder().writeUVarInt(NO_TAGS)).writeUVarInt(NO_TAGS)
  const decode = async (bytes: Buffer) => {
    const decoder = new Decoder(bytes)
    decoder.readTaggedFields()
    decoder.readInt32() // throttle time
    return read(decoder)
  }
  return target.connectionPool.send<Response>({
    request: { ...request, encode },
    response: { decode, parse: async (response) => response },
  })
}

/** The internal cluster object of kafkajs, which can send single requests. */
export interface Cluster
  extends Pick<KafkaJsCluster, 'connect' | 'disconnect' | 'fetchTopicsOffset' | 'findLeaderForPartitions'> {
  /** Reads the brokers of the cluster, and the leaders of the topics added so far. */
  refreshMetadata(): Promise<void>
  findGroupCoordinator(of: CoordinatorQuery): Promise<Broker>
  /** Adds the topic and reads its metadata. Rejects if it does not exist or one of its partitions has no leader. */
  addTargetTopic(topic: string): Promise<void>
  findBroker(of: { nodeId: string | number }): Promise<Broker>
  /** According to the metadata read last. With KRaft, this is any live broker. */
  findControllerBroker(): Promise<Broker>
}

/** The requests to a broker that kafkajs itself supports. */
export interface Broker extends RequestTarget, CoordinatorFinder {
  readonly nodeId: number
  initProducerId(request: unknown): Promise<ProducerIdentity>
  createTopics(request: { readonly topics: readonly ITopicConfig[] }): Promise<unknown>
  describeConfigs(request: { resources: readonly { type: number; name: string }[] }): Promise<DescribeConfigResponse>
  addPartitionsToTxn(
    request: Transactional & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  /** `transactionResult`: true commits, false aborts. */
  endTxn(request: Transactional & { transactionResult: boolean }): Promise<unknown>
}

type Transactional = ProducerIdentity & { readonly transactionalId: string }

export const GROUP_COORDINATOR = 0
export const TRANSACTION_COORDINATOR = 1

interface CoordinatorQuery {
  readonly groupId: string
  readonly coordinatorType: typeof GROUP_COORDINATOR | typeof TRANSACTION_COORDINATOR
}

/** A broker that names the coordinator, according to its own metadata. */
export interface CoordinatorFinder {
  findGroupCoordinator(of: CoordinatorQuery): Promise<{ readonly coordinator: { readonly nodeId: number } }>
}

const METADATA_MAX_AGE_MS = 5 * 60_000
const READ_UNCOMMITTED = 0

export function clusterOf(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create = key === undefined ? undefined : Reflect.get(kafka, key)
  if (typeof create !== 'function') throw new TypeError('unsupported kafkajs: it has no createCluster')
  const settings = { allowAutoTopicCreation: false, maxInFlightRequests: 1, metadataMaxAge: METADATA_MAX_AGE_MS }
  return create({ ...settings, isolationLevel: READ_UNCOMMITTED })
}

/** How the brokers identify a transactional producer. kafkajs does not expose it. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}
