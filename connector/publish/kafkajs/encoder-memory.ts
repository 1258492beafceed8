/** kafkajs' encoder, as far as it takes memory. */
export interface Encoder {
  buf: Buffer
  offset: number
  ensureAvailable(length: number): void
  writeBufferInternal(bytes: Buffer): void
  writeEncoderArray(encoders: readonly { readonly buffer: Buffer }[]): Encoder
}

/** From this size on, bytes are moved into the next encoder with their memory instead of being copied. */
const LARGE = 16_384
/** Free bytes before the content of such memory, for the headers that the outer encoders of a request put before it. */
const HEADROOM = 1_024

/** Memory that has room before its content and belongs to nobody but the encoder that made it. */
const withHeadroom = new WeakSet<ArrayBufferLike>()

/**
 * Lets the seven encoders that kafkajs nests for a request share one memory of the right size; by itself it zeroes, doubles and
 * copies in each. The bytes are the same. An encoder whose content was taken over must not be written to again: kafkajs never does.
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
  const memory = Buffer.allocUnsafeSlow(headroom + size) // never shared; only what was written is ever read
  if (headroom > 0) withHeadroom.add(memory.buffer)
  content.copy(memory, headroom)
  return memory.subarray(headroom)
}
