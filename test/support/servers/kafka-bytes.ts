/** Writes the primitive types of Kafka's protocol. */
export const int8 = (value: number) => Buffer.from([value & 0xff])
export const int16 = (value: number) => Buffer.from([(value >> 8) & 0xff, value & 0xff])
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
export function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
export function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}
export const text = (value: string) => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
export const array = (items: readonly Buffer[]) => Buffer.concat([int32(items.length), ...items])

/** Reads the same types one after the other; throws a `RangeError` past the end. */
export function bytesReader(bytes: Buffer) {
  let at = 0
  const take = (length: number) => {
    at += length
    return at - length
  }
  const int16 = () => bytes.readInt16BE(take(2))
  const int32 = () => bytes.readInt32BE(take(4))
  const part = (length: number) => (length < 0 ? undefined : bytes.subarray(take(length), at))
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(take(1))
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2 // zigzag
    }
  }
  return {
    left: () => bytes.length - at,
    skip: (length: number) => void take(length),
    int8: () => bytes.readInt8(take(1)),
    int16,
    int32,
    int64: () => bytes.readBigInt64BE(take(8)),
    varint,
    text: () => part(int16())?.toString(),
    /** Bytes after an int32 length. */
    bytes: () => part(int32()),
    /** Bytes after a varint length. */
    shortBytes: () => part(varint()),
    /** All that is left. */
    rest: () => bytes.subarray(take(bytes.length - at)),
    array: <Item>(item: () => Item): Item[] => Array.from({ length: Math.max(0, int32()) }, () => item()),
  }
}
