import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { ConnectorError } from '../../../runtime/connector-error.ts'

const malformedError = (why: string) => new ConnectorError('source.answer-malformed', `decode response: ${why}`)

/** The beginning of a body that may declare its encoding. */
const HEAD_BYTES = 256

const marks: readonly (readonly [label: string, bytes: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

/**
 * Decodes a body: by its byte order mark or its XML declaration; else as UTF-8, unless its bytes are not; else by its
 * Content-Type. Throws `source.answer-malformed`.
 */
export function decodeText(body: Buffer, contentType: string | undefined): string {
  const [marked, mark] = marks.find(([, bytes]) => bytes.every((byte, at) => body[at] === byte)) ?? []
  const label = (marked ?? declaredEncoding(body))?.toLowerCase()
  // Only UTF-16 has null bytes.
  const mayBeUtf8 = label === undefined ? !body.includes(0) : label === 'utf-8'
  // A decoder takes several times longer.
  if (mayBeUtf8 && isUtf8(body)) return body.toString('utf8', mark?.length)
  const decoder = decoderFor(label ?? charsetOf(contentType) ?? 'utf-8')
  try {
    return decoder.decode(body.subarray(mark?.length))
  } catch {
    throw malformedError(`the bytes are not valid ${decoder.encoding}`)
  }
}

/**
 * Returns the encoding of an XML declaration. It ignores UTF-16: what is readable byte by byte is not UTF-16, but .NET
 * writes it into UTF-8 documents.
 */
function declaredEncoding(body: Buffer): string | undefined {
  const declaration = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["'](?!utf-16|unicode)([\w.:-]+)["']/i
  return declaration.exec(body.toString('latin1', 0, HEAD_BYTES))?.[1]
}

const charsetOf = (contentType = '') => /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1]

function decoderFor(label: string): TextDecoder {
  try {
    // It keeps a byte order mark within the text.
    return new TextDecoder(label, { fatal: true, ignoreBOM: true })
  } catch {
    throw malformedError('the declared encoding is unknown')
  }
}

/** Characters that XML forbids, and unpaired surrogates. */
const forbidden = /[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu
const REPLACEMENT = '\ufffd'

/** Returns the text with U+FFFD in place of characters that XML forbids, each of which is counted. */
export function withoutForbiddenCharacters(text: string, count: () => void): string {
  let allowed = ''
  let from = 0
  for (const { index } of text.matchAll(forbidden)) {
    count()
    allowed += text.slice(from, index) + REPLACEMENT
    from = index + 1
  }
  return from === 0 ? text : allowed + text.slice(from)
}
