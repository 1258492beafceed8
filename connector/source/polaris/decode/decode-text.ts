import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { ConnectorError } from '../../../runtime/connector-error.ts'

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode response: ${why}`)

/** The beginning of a body that determines its encoding. */
const HEAD_BYTES = 256

/** `claimed`: by the Content-Type alone, which may be wrong; the body is UTF-8 if it is valid as that. */
interface Encoding {
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
function encodingOf(head: Buffer, contentType: string | undefined): Encoding {
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

/** Decodes a body. Throws `source.answer-malformed`. */
export function decodeText(body: Buffer, contentType: string | undefined): string {
  const { label, isClaimed, markBytes } = encodingOf(body, contentType)
  const bytes = body.subarray(markBytes)
  if ((isClaimed || isNameOfUtf8(label)) && isUtf8(bytes)) return bytes.toString()
  const decoder = decoderFor(label)
  try {
    return decoder.decode(bytes)
  } catch {
    throw malformed(`the bytes are not valid ${decoder.encoding}`)
  }
}

function decoderFor(label: string): TextDecoder {
  try {
    // Keeps a byte order mark within the text; `encodingOf` removes the first one.
    return new TextDecoder(label, { fatal: true, ignoreBOM: true })
  } catch {
    throw malformed('the declared encoding is unknown')
  }
}

/** Characters that XML forbids, and unpaired surrogates. */
const forbidden = /[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu
const REPLACEMENT = '\ufffd'

/** The text with U+FFFD in place of characters that XML forbids, each of which is counted. */
export function withoutForbidden(text: string, count: () => void): string {
  let allowed = ''
  let from = 0
  for (const { index } of text.matchAll(forbidden)) {
    count()
    allowed += text.slice(from, index) + REPLACEMENT
    from = index + 1
  }
  return from === 0 ? text : allowed + text.slice(from)
}
