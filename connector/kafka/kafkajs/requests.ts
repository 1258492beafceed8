import { createRequire } from 'node:module'
import { ConnectorError } from '../../runtime/connector-error.ts'

/** kafkajs' encoder and decoder of Kafka's types, used for requests that kafkajs does not support. */
export interface Encoder {
  writeUVarInt(number: number): Encoder
  writeUVarIntString(text: string | null): Encoder
  writeInt32(number: number): Encoder
  writeArray(texts: readonly string[]): Encoder
  /** Writes a list of structures; it omits plain numbers. */
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

/** Loads a module of kafkajs, or a package that is loaded late. */
export const load = createRequire(import.meta.url)

export const Encoder: new () => Encoder = load('kafkajs/src/protocol/encoder')
export const Decoder: new (bytes: Buffer) => Decoder = load('kafkajs/src/protocol/decoder')

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
