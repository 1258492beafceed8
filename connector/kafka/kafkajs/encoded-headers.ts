import { RequestWriter, sizeOfVarint } from './request-writer.ts'

/** Most records have the same headers as the one before. */
let last: { readonly headers: object; readonly encoded: Buffer } | undefined

/** The headers of a record, with their number. */
export function encodedHeaders(headers: Readonly<Record<string, string>>): Buffer {
  if (last?.headers === headers) return last.encoded
  const texts = Object.entries(headers).flat()
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const size = lengths.reduce((sum, length) => sum + sizeOfVarint(length) + length, 0)
  const count = texts.length / 2
  const to = new RequestWriter(Buffer.allocUnsafe(sizeOfVarint(count) + size)).varint(count)
  for (const [at, text] of texts.entries()) to.varint(lengths[at] ?? 0).utf8(text)
  last = { headers, encoded: to.buffer }
  return to.buffer
}
