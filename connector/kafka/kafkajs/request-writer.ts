/** Writes Kafka's types one after another into a buffer of the final size; kafkajs takes it for an encoder. */
export class RequestWriter {
  readonly buffer: Buffer
  /** The unused bytes in the memory before the buffer, into which kafkajs' headers of a request may be written. */
  readonly room: number
  #at = 0

  constructor(buffer: Buffer, room = 0) {
    this.buffer = buffer
    this.room = room
  }

  get buf(): Buffer {
    return this.buffer
  }

  get at(): number {
    return this.#at
  }

  int8(value: number): this {
    this.#at = this.buffer.writeInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#at = this.buffer.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#at = this.buffer.writeInt32BE(value, this.#at)
    return this
  }

  int64(value: bigint): this {
    this.#at = this.buffer.writeBigInt64BE(value, this.#at)
    return this
  }

  /** Writes a text with its length before it. */
  text(value: string): this {
    return this.int16(Buffer.byteLength(value)).utf8(value)
  }

  /** Writes a number that is not negative as a zigzag varint. */
  varint(value: number): this {
    const { buffer } = this
    let rest = (value << 1) >>> 0
    while (rest > 0x7f) {
      buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.#at++] = rest
    return this
  }

  /** Writes bytes with their length as a zigzag varint before them; null has length -1. */
  bytes(value: Buffer | null): this {
    if (value !== null) return this.varint(value.length).raw(value)
    this.buffer[this.#at++] = 1
    return this
  }

  raw(bytes: Buffer): this {
    this.#at += bytes.copy(this.buffer, this.#at)
    return this
  }

  utf8(text: string): this {
    this.#at += this.buffer.write(text, this.#at, 'utf8')
    return this
  }
}

/** Returns the size in bytes of a text with its length; see `text`. */
export const sizeOfText = (value: string) => 2 + Buffer.byteLength(value)

/** Returns the size in bytes of a number that is not negative as a zigzag varint. */
export function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value >>> 6; rest > 0; rest >>>= 7) size += 1
  return size
}
