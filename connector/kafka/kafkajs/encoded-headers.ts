import type { Message } from 'kafkajs'
import { RequestWriter, sizeOfVarint } from './request-writer.ts'

/** Most records have the same headers as the one before. */
let last: { readonly headers: object; readonly encoded: Buffer } | undefined

/** The headers of a record, with their number; undefined if one is no text. Hot path: no list of entries is made. */
export function encodedHeaders(headers: NonNullable<Message['headers']>): Buffer | undefined {
  if (last?.headers === headers) return last.encoded
  let [count, size] = [0, 0]
  for (const name in headers) {
    const text = headers[name]
    if (typeof text !== 'string') return undefined
    const length = Buffer.byteLength(text)
    size += encodedName(name).length + sizeOfVarint(length) + length
    count += 1
  }
  const to = new RequestWriter(Buffer.allocUnsafe(sizeOfVarint(count) + size)).varint(count)
  for (const name in headers) {
    const text = String(headers[name])
    to.raw(encodedName(name)).varint(Buffer.byteLength(text)).utf8(text)
  }
  last = { headers, encoded: to.buffer }
  return to.buffer
}

/** The connector has about ten. */
const names = new Map<string, Buffer>()

function encodedName(name: string): Buffer {
  const known = names.get(name)
  if (known !== undefined) return known
  const length = Buffer.byteLength(name)
  const { buffer } = new RequestWriter(Buffer.allocUnsafe(sizeOfVarint(length) + length)).varint(length).utf8(name)
  names.set(name, buffer)
  return buffer
}
