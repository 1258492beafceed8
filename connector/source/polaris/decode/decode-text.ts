import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { ConnectorError } from '../../../runtime/connector-error.ts'

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode response: ${why}`)

/** Decodes the body of a response, which comes in parts. */
interface BodyDecoder {
  /** The text so far that was not returned before. Throws if the bytes are invalid in their encoding. */
  write(bytes: Buffer): string
  /** The rest of the text. Throws if the body ends within a character. */
  end(): string
}

/** The beginning of a body that determines its encoding. */
export const HEAD_BYTES = 256

/** `claimed`: by the Content-Type alone, which may be wrong; the body is UTF-8 if it is valid as that. */
export interface Encoding {
  readonly label: string
  readonly isClaimed: boolean
  /** Length of the byte order mark. */
  readonly markBytes: number
}

const sure = (label: string, markBytes: number): Encoding => ({ label, isClaimed: false, markBytes })

/**
 * The first that is present determines the encoding: byte order mark, null bytes typical of UTF-16, XML declaration,
 * Content-Type. The default is UTF-8.
 */
export function encodingOf(head: Buffer, contentType: string | undefined): Encoding {
  if (startsWith(head, [0xef, 0xbb, 0xbf])) return sure('utf-8', 3)
  if (startsWith(head, [0xff, 0xfe])) return sure('utf-16le', 2)
  if (startsWith(head, [0xfe, 0xff])) return sure('utf-16be', 2)
  const [first, second] = head
  if (first === 0 && second !== 0 && second !== undefined) return sure('utf-16be', 0)
  if (second === 0 && first !== 0 && first !== undefined) return sure('utf-16le', 0)
  const declared = declaredEncoding(head)
  if (declared !== undefined) return sure(declared, 0)
  const label = charsetOf(contentType) ?? 'utf-8'
  return { label, isClaimed: !isNameOfUtf8(label), markBytes: 0 }
}

const isNameOfUtf8 = (label: string) => /^utf-?8$/.test(label)

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

/** A decoder for what follows the byte order mark. */
export function bodyDecoder({ label, isClaimed }: Encoding): BodyDecoder {
  if (isClaimed) return claimedDecoder(label)
  return isNameOfUtf8(label) ? utf8Decoder() : encodingDecoder(label)
}

/** Decodes a whole body. */
export function decodeText(body: Buffer, contentType: string | undefined): string {
  const encoding = encodingOf(body, contentType)
  const decoder = bodyDecoder(encoding)
  return decoder.write(body.subarray(encoding.markBytes)) + decoder.end()
}

/** Decodes the beginning of a body, which may end within a character. */
export function decodeBeginning(body: Buffer, contentType: string | undefined): string {
  const { label, isClaimed, markBytes } = encodingOf(body, contentType)
  const bytes = body.subarray(markBytes, lastSequenceStart(body))
  return bodyDecoder(sure(isClaimed && isUtf8(bytes) ? 'utf-8' : label, 0)).write(bytes)
}

/** A body without byte order mark in UTF-8; itself if it is that already. */
export function asUtf8(body: Buffer, encoding: Encoding): Buffer {
  if ((encoding.isClaimed || isNameOfUtf8(encoding.label)) && isUtf8(body)) return body
  const decoder = bodyDecoder(encoding)
  return Buffer.from(decoder.write(body) + decoder.end())
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

/** Servers and proxies add a default charset to bodies in UTF-8. Other encodings are hardly ever valid UTF-8. */
function claimedDecoder(label: string): BodyDecoder {
  const parts: Buffer[] = []
  const decoder = encodingDecoder(label)
  return {
    write: (bytes) => {
      parts.push(bytes)
      return ''
    },
    end: () => {
      const body = Buffer.concat(parts.splice(0))
      return isUtf8(body) ? body.toString() : decoder.write(body) + decoder.end()
    },
  }
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
