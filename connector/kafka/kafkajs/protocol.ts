import { createRequire } from 'node:module'
import { ConnectorError } from '../../runtime/connector-error.ts'

/** kafkajs' encoder and decoder of Kafka's types, used for requests that kafkajs does not support. */
export interface Encoder {
  writeUVarInt(number: number): Encoder
  writeUVarIntString(text: string | null): Encoder
  writeInt8(number: number): Encoder
  writeInt16(number: number): Encoder
  writeInt32(number: number): Encoder
  writeInt64(number: number): Encoder
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

/** Returns kafkajs' error for a Kafka error code. */
export const { createErrorFromCode }: { createErrorFromCode(code: number): Error } = load('kafkajs/src/protocol/error')

/** Ends a structure without tagged fields. */
export const NO_TAGS = 0

/** A broker to which requests that kafkajs does not support can be sent. */
export interface RequestTarget {
  /** The versions that the broker supports, by API key. */
  readonly versions?: Readonly<Record<number, { readonly minVersion?: number; readonly maxVersion: number }>> | null
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

/** A request in a version that kafkajs does not support. */
export interface Api {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
}

export function isSupported({ versions }: RequestTarget, { apiKey, apiVersion }: Api): boolean {
  const { minVersion = 0, maxVersion = -1 } = versions?.[apiKey] ?? {}
  return minVersion <= apiVersion && apiVersion <= maxVersion
}

/** Throws `publish.broker-too-old` or `publish.broker-too-new`. */
export function mustSupport(target: RequestTarget, api: Api): void {
  if (isSupported(target, api)) return
  const what = `${api.apiName} ${api.apiVersion}`
  if ((target.versions?.[api.apiKey]?.minVersion ?? 0) > api.apiVersion)
    throw new ConnectorError('publish.broker-too-new', `a broker no longer accepts ${what}`)
  throw new ConnectorError('publish.broker-too-old', `a broker does not support ${what}: Kafka 2.8 or newer is needed`)
}

interface NewerRequest<Response> extends Api {
  /** Writes the request body, which follows the header. */
  readonly write: (encoder: Encoder) => Encoder
  /** Reads the response body. */
  readonly read: (decoder: Decoder) => Response
}

/** Sends a request in a flexible version, that is, with tagged fields. Rejects with kafkajs' errors. */
export function sendFlexible<Response>(target: RequestTarget, { write, read, ...request }: NewerRequest<Response>) {
  const encode = async () => write(new Encoder().writeUVarInt(NO_TAGS)).writeUVarInt(NO_TAGS)
  const decode = async (bytes: Buffer) => {
    const decoder = new Decoder(bytes)
    decoder.readTaggedFields()
    return read(decoder)
  }
  return target.connectionPool.send<Response>({
    request: { ...request, encode },
    response: { decode, parse: async (response) => response },
  })
}

/** As `sendFlexible`, if the response starts with the throttle time: most do. */
export function sendNewer<Response>(target: RequestTarget, request: NewerRequest<Response>) {
  const read = (from: Decoder) => {
    from.readInt32() // throttle time
    return request.read(from)
  }
  return sendFlexible(target, { ...request, read })
}
