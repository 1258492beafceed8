const polynomial = 0x82f63b78

/** The checksum advances by so many bytes in a step, with as many tables of 256 entries. */
const STEP = 16
const tables = makeTables()

function makeTables(): Int32Array {
  const made = new Int32Array(STEP * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0)
    made[byte] = crc
  }
  for (let at = 256; at < made.length; at++) {
    const previous = made[at - 256] ?? 0
    made[at] = (made[previous & 0xff] ?? 0) ^ (previous >>> 8)
  }
  return made
}

const table = (slice: number, byte: number) => tables[slice * 256 + (byte & 0xff)] as number

/** Returns the share of four bytes of a step, with `after` more bytes of the step behind them. */
const four = (after: number, word: number) =>
  table(after + 3, word) ^ table(after + 2, word >>> 8) ^ table(after + 1, word >>> 16) ^ table(after, word >>> 24)

/** Returns the checksum of Kafka's record batches (CRC-32C, Castagnoli), an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const word = (at: number) => view.getInt32(at, true)
  let crc = -1
  let at = 0
  for (; at + STEP <= bytes.length; at += STEP)
    crc = four(12, crc ^ word(at)) ^ four(8, word(at + 4)) ^ four(4, word(at + 8)) ^ four(0, word(at + 12))
  for (; at < bytes.length; at++) crc = table(0, crc ^ view.getUint8(at)) ^ (crc >>> 8)
  return ~crc >>> 0
}
