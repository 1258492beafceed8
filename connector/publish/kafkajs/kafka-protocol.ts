import { createRequire } from 'node:module'

/** kafkajs' own writer and reader of Kafka's types, for requests that it does not know. */
interface Encoder {
  writeUVarInt(number: number): Encoder
  writeUVarIntString(text: string): Encoder
  writeInt32(number: number): Encoder
  /** Of structures alone: plain numbers are left out. */
  writeUVarIntArray(items: readonly Encoder[]): Encoder
  writeBoolean(value: boolean): Encoder
}

export interface Decoder {
  readTaggedFields(): void
  readInt16(): number
  readInt32(): number
  readInt64(): { toString(): string }
  readUVarIntString(): string | null
  readUVarIntArray<Item>(item: (decoder: Decoder) => Item): Item[] | null
}

const load = createRequire(import.meta.url)

export const Encoder: new () => Encoder = load('kafkajs/src/protocol/encoder')
export const Decoder: new (bytes: Buffer) => Decoder = load('kafkajs/src/protocol/decoder')

/** The error that kafkajs has for a code of Kafka's. */
export const { createErrorFromCode }: { createErrorFromCode(code: number): Error } = load('kafkajs/src/protocol/error')

/** What follows a structure that has no optional fields. */
export const NO_TAGS = 0

/** A broker to which a request can be sent that kafkajs does not know. */
export interface RequestTarget {
  /** What the broker understands, by the number of the request. */
  readonly versions?: Readonly<Record<number, { readonly maxVersion: number }>> | null
  readonly connectionPool: { send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> }
}

/** As kafkajs describes its own. */
export interface KafkaRequest<Answer> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<unknown>
  }
  readonly response: { decode(bytes: Buffer): Promise<Answer>; parse(decoded: Answer): Promise<Answer> }
}

export const understands = ({ versions }: RequestTarget, apiKey: number, version: number): boolean =>
  (versions?.[apiKey]?.maxVersion ?? -1) >= version

interface NewerRequest<Answer> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** Writes what comes behind the header. */
  readonly write: (encoder: Encoder) => Encoder
  /** Reads what comes behind the header and the throttle time. */
  readonly read: (decoder: Decoder) => Answer
}

/** Sends a request of a version with optional fields. Rejects with kafkajs' errors. */
export function sendNewer<Answer>(target: RequestTarget, { write, read, ...request }: NewerRequest<Answer>) {
  const encode = async () => write(new Encoder().writeUVarInt(NO_TAGS)).writeUVarInt(NO_TAGS)
  const decode = async (bytes: Buffer) => {
    const decoder = new Decoder(bytes)
    decoder.readTaggedFields()
    decoder.readInt32() // the throttle time
    return read(decoder)
  }
  return target.connectionPool.send<Answer>({
    request: { ...request, encode },
    response: { decode, parse: async (answer) => answer },
  })
}
