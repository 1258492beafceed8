/** The part of kafkajs' encoder that allocates memory. */
export interface Encoder {
  buf: Buffer
  offset: number
  ensureAvailable(length: number): void
  writeBufferInternal(bytes: Buffer): void
  writeEncoderArray(encoders: readonly { readonly buffer: Buffer }[]): Encoder
}

/** From this size on, the outer encoder takes over the buffer instead of copying its bytes. */
const LARGE = 16_384
/** Bytes kept free before the content of a large buffer, for the headers that the outer encoders of a request add. */
const HEADROOM = 1_024

/** Buffers with headroom, each owned by the encoder that allocated it. */
const withHeadroom = new WeakSet<ArrayBufferLike>()

/**
 * Lets the seven nested encoders of a kafkajs request share one buffer of the right size; the original zeroes, doubles
 * and copies a buffer in each. The bytes are the same. Once its buffer is taken over, an encoder must not be written
 * to; kafkajs never does.
 */
export function shareEncoderMemory(encoder: Encoder): void {
  encoder.ensureAvailable = function ensureAvailable(this: Encoder, length) {
    const needed = this.offset + length
    if (needed <= this.buf.length) return
    this.buf = copied(
      this.buf.subarray(0, this.offset),
      length < LARGE ? 2 ** Math.ceil(Math.log2(needed + 1)) : needed,
    )
  }
  encoder.writeEncoderArray = function writeEncoderArray(this: Encoder, encoders) {
    const parts = encoders.map(({ buffer }) => buffer)
    this.ensureAvailable(parts.reduce((sum, { length }) => sum + length, 0))
    for (const part of parts) this.writeBufferInternal(part)
    return this
  }
  const append = encoder.writeBufferInternal
  encoder.writeBufferInternal = function writeBufferInternal(this: Encoder, bytes) {
    const { buffer: memory, byteOffset, length } = bytes
    const isMovable = length >= LARGE && withHeadroom.has(memory) && byteOffset >= this.offset
    if (!isMovable) return append.call(this, bytes)
    const whole = Buffer.from(memory, byteOffset - this.offset, this.offset + length)
    this.buf.copy(whole, 0, 0, this.offset)
    this.buf = whole
    this.offset = whole.length
  }
}

function copied(content: Buffer, size: number): Buffer {
  const headroom = size < LARGE ? 0 : HEADROOM
  const memory = Buffer.allocUnsafeSlow(headroom + size) // not from the shared pool; only written bytes are read
  if (headroom > 0) withHeadroom.add(memory.buffer)
  content.copy(memory, headroom)
  return memory.subarray(headroom)
}
