/** A record as kafkajs gives it to its encoder. */
export interface RecordToEncode {
  readonly offsetDelta?: number
  readonly timestampDelta?: number
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
}

/** What kafkajs' outer encoders read of an encoded record. */
export interface EncodedRecord {
  readonly buf: Buffer
  readonly buffer: Buffer
}

export type RecordEncoder = (record: RecordToEncode) => EncodedRecord

/**
 * Encodes the records that this connector makes into one buffer of their exact size; kafkajs takes four zeroed ones of 512 bytes and
 * more for each, a third of the whole cost of publishing. Any other record goes to `original`. The bytes are the same.
 */
export function recordEncoder(original: RecordEncoder): RecordEncoder {
  return (record) => {
    const { offsetDelta = 0, timestampDelta = 0, key, value, headers = noHeaders } = record
    const isOurs = key === null || Buffer.isBuffer(key)
    if (!isOurs || typeof value !== 'string' || !isSmall(offsetDelta) || !isSmall(timestampDelta))
      return original(record)
    const headerBytes = encodedHeaders(headers)
    if (headerBytes === undefined) return original(record)
    return encode({ offsetDelta, timestampDelta, key, value, headerBytes })
  }
}

const noHeaders = {}
const isSmall = (value: number) => Number.isInteger(value) && value >= 0 && value < 2 ** 30

interface PlainRecord {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly key: Buffer | null
  readonly value: string
  readonly headerBytes: Buffer
}

function encode({ offsetDelta, timestampDelta, key, value, headerBytes }: PlainRecord): EncodedRecord {
  const valueLength = Buffer.byteLength(value)
  const keySize = key === null ? 1 : sizeOf(key.length) + key.length
  const valueSize = sizeOf(valueLength) + valueLength
  const bodySize = 1 + sizeOf(timestampDelta) + sizeOf(offsetDelta) + keySize + valueSize + headerBytes.length
  const bytes = Buffer.allocUnsafe(sizeOf(bodySize) + bodySize)
  let at = write(bytes, 0, bodySize)
  bytes[at++] = 0 // attributes
  at = write(bytes, at, timestampDelta)
  at = write(bytes, at, offsetDelta)
  if (key === null) bytes[at++] = nullLength
  else at = write(bytes, at, key.length)
  if (key !== null) at += key.copy(bytes, at)
  at = write(bytes, at, valueLength)
  at += bytes.write(value, at, valueLength, 'utf8')
  headerBytes.copy(bytes, at)
  return { buf: bytes, buffer: bytes }
}

/** -1 as a zigzag varint. */
const nullLength = 1

/** Bytes of a zigzag varint of 0 or more. */
function sizeOf(value: number): number {
  let size = 1
  for (let rest = value >>> 6; rest > 0; rest >>>= 7) size += 1
  return size
}

/** Writes a zigzag varint of 0 or more; returns where it ends. */
function write(bytes: Buffer, start: number, value: number): number {
  let at = start
  let rest = (value << 1) >>> 0
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** The same few header objects come with every record. */
const knownHeaders = new WeakMap<object, Buffer>()

function encodedHeaders(headers: Readonly<Record<string, unknown>>): Buffer | undefined {
  const known = knownHeaders.get(headers)
  if (known !== undefined) return known
  const entries = Object.entries(headers)
  const parts = [varint(entries.length)]
  for (const [name, value] of entries) {
    if (!Buffer.isBuffer(value)) return undefined
    const nameBytes = Buffer.from(name)
    parts.push(varint(nameBytes.length), nameBytes, varint(value.length), value)
  }
  const bytes = Buffer.concat(parts)
  knownHeaders.set(headers, bytes)
  return bytes
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(sizeOf(value))
  write(bytes, 0, value)
  return bytes
}
