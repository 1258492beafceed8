import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { ConnectorError } from '../../runtime/connector-error.ts'

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode response: ${why}`)

/** Decodes the body of a response, which comes in parts. */
export interface BodyDecoder {
  /** The text so far that was not returned before. Throws if the bytes are invalid in their encoding. */
  write(bytes: Buffer): string
  /** The rest of the text. Throws if the body ends within a character. */
  end(): string
}

/** The beginning of a body that determines its encoding. */
const HEAD_BYTES = 256

/**
 * The first that is present determines the encoding: byte order mark (which is removed), null bytes typical of UTF-16,
 * XML declaration, Content-Type. The default is UTF-8.
 */
export function bodyDecoder(contentType: string | undefined): BodyDecoder {
  let head: Buffer = Buffer.alloc(0)
  let decoder: BodyDecoder | undefined
  const begin = () => {
    const { encoding, markBytes } = encodingOf(head, contentType)
    decoder = /^utf-?8$/.test(encoding) ? utf8Decoder() : encodingDecoder(encoding)
    return decoder.write(head.subarray(markBytes))
  }
  return {
    write: (bytes) => {
      if (decoder !== undefined) return decoder.write(bytes)
      head = head.length === 0 ? bytes : Buffer.concat([head, bytes])
      return head.length < HEAD_BYTES ? '' : begin()
    },
    end: () => (decoder === undefined ? begin() : '') + (decoder?.end() ?? ''),
  }
}

/** Decodes a whole body. */
export function decodeText(body: Buffer, contentType: string | undefined): string {
  const decoder = bodyDecoder(contentType)
  return decoder.write(body) + decoder.end()
}

function encodingOf(body: Buffer, contentType: string | undefined): { encoding: string; markBytes: number } {
  if (startsWith(body, [0xef, 0xbb, 0xbf])) return { encoding: 'utf-8', markBytes: 3 }
  if (startsWith(body, [0xff, 0xfe])) return { encoding: 'utf-16le', markBytes: 2 }
  if (startsWith(body, [0xfe, 0xff])) return { encoding: 'utf-16be', markBytes: 2 }
  const [first, second] = body
  if (first === 0 && second !== 0 && second !== undefined) return { encoding: 'utf-16be', markBytes: 0 }
  if (second === 0 && first !== 0 && first !== undefined) return { encoding: 'utf-16le', markBytes: 0 }
  return { encoding: declaredEncoding(body) ?? charsetOf(contentType) ?? 'utf-8', markBytes: 0 }
}

function startsWith(body: Buffer, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => body[at] === byte)
}

/**
 * The encoding in the XML declaration. Ignores UTF-16: a declaration that is readable byte by byte is not UTF-16, but
 * .NET writes it into UTF-8 documents.
 */
function declaredEncoding(body: Buffer): string | undefined {
  if (body[0] !== 0x3c && (body[0] ?? 0) > 0x20) return undefined
  const declaration = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(body.toString('latin1', 0, HEAD_BYTES))
  const label = declaration?.[1]?.toLowerCase()
  return label?.startsWith('utf-16') === true || label?.startsWith('unicode') === true ? undefined : label
}

function charsetOf(contentType: string | undefined): string | undefined {
  const label = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase()
  return label?.startsWith('utf-16') === true ? undefined : label
}

/** Much faster than `TextDecoder`, which is slow with parts. */
function utf8Decoder(): BodyDecoder {
  /** The incomplete character at the end of the bytes so far. */
  let carried = Buffer.alloc(0)
  let length = 0
  return {
    write: (bytes) => {
      length += bytes.length
      const body = carried.length === 0 ? bytes : Buffer.concat([carried, bytes])
      const end = lastSequenceStart(body)
      const whole = body.subarray(0, end)
      carried = Buffer.from(body.subarray(end))
      if (!isUtf8(whole)) throw malformed(`the first ${length} bytes are not valid UTF-8`)
      return whole.toString('utf8')
    },
    end: () => {
      if (carried.length === 0) return ''
      throw new ConnectorError(
        'source.answer-truncated',
        `decode response: ${length} bytes end in the middle of a character`,
      )
    },
  }
}

/** The index of an incomplete character at the end of the bytes, or else the length. */
function lastSequenceStart(body: Buffer): number {
  for (let at = body.length - 1; at >= Math.max(0, body.length - 3); at--) {
    const byte = body[at] ?? 0
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    if (length > 1) return at + length > body.length ? at : body.length
  }
  return body.length
}

function encodingDecoder(label: string): BodyDecoder {
  const decoder = newDecoder(label)
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch {
      throw malformed(`the bytes are not valid ${decoder.encoding}`)
    }
  }
  return { write: decode, end: decode }
}

function newDecoder(label: string): TextDecoder {
  try {
    // Keeps a byte order mark within the text; `encodingOf` removes the first one.
    return new TextDecoder(label, { fatal: true, ignoreBOM: true })
  } catch {
    throw malformed('the declared encoding is unknown')
  }
}
