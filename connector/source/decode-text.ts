import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { ConnectorError } from '../runtime/connector-error.ts'

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode answer: ${why}`)

/**
 * The text of an answer: its encoding by byte order mark, else by the pattern of a UTF-16 beginning, else as the XML declaration says,
 * else as Content-Type says, else UTF-8. The mark itself is left out. Throws when bytes do not fit the encoding.
 */
export function decodeText(body: Buffer, contentType: string | undefined): string {
  if (startsWith(body, [0xef, 0xbb, 0xbf])) return fromUtf8(body.subarray(3))
  if (startsWith(body, [0xff, 0xfe])) return fromEncoding(body.subarray(2), 'utf-16le')
  if (startsWith(body, [0xfe, 0xff])) return fromEncoding(body.subarray(2), 'utf-16be')
  const [first, second] = body
  if (first === 0 && second !== 0 && second !== undefined) return fromEncoding(body, 'utf-16be')
  if (second === 0 && first !== 0 && first !== undefined) return fromEncoding(body, 'utf-16le')
  const label = declaredEncoding(body) ?? charsetOf(contentType)
  return label === undefined || label === 'utf-8' ? fromUtf8(body) : fromEncoding(body, label)
}

function startsWith(body: Buffer, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => body[at] === byte)
}

/** Of the XML declaration. One that can be read byte by byte is not UTF-16, whatever it says: .NET writes that into UTF-8 documents. */
function declaredEncoding(body: Buffer): string | undefined {
  if (body[0] !== 0x3c && (body[0] ?? 0) > 0x20) return undefined
  const declaration = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(body.toString('latin1', 0, 256))
  const label = declaration?.[1]?.toLowerCase()
  return label?.startsWith('utf-16') === true || label?.startsWith('unicode') === true ? undefined : label
}

function charsetOf(contentType: string | undefined): string | undefined {
  const label = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase()
  return label?.startsWith('utf-16') === true ? undefined : label
}

function fromUtf8(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8')
  if (isUtf8(body.subarray(0, lastSequenceStart(body)))) {
    throw new ConnectorError(
      'source.answer-truncated',
      `decode answer: ${body.length} bytes end in the middle of a character`,
    )
  }
  throw malformed(`${body.length} bytes are not valid UTF-8`)
}

/** Where the character that reaches the end of the bytes begins, if it is not complete; else the end. */
function lastSequenceStart(body: Buffer): number {
  for (let at = body.length - 1; at >= Math.max(0, body.length - 3); at--) {
    const byte = body[at] ?? 0
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    if (length > 1) return at + length > body.length ? at : body.length
  }
  return body.length
}

function fromEncoding(body: Buffer, label: string): string {
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(label, { fatal: true })
  } catch {
    throw malformed('it declares an encoding that is not known')
  }
  try {
    return decoder.decode(body)
  } catch {
    throw malformed(`${body.length} bytes are not valid ${decoder.encoding}`)
  }
}
