import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import type { AnswerRoot } from './answer-node.ts'
import { asUtf8, bodyDecoder, type Encoding, encodingOf, HEAD_BYTES } from './decode-text.ts'
import { type DecodeSettings, xmlDecoder } from './decode-xml.ts'
import { BodyMemory } from './json/body-memory.ts'
import { decodeJson } from './json/decode-json.ts'

/** Decodes a document while its body arrives. Steps take a few milliseconds; `JSON.parse` takes up to 0.4 s. */
export interface AnswerDecoder {
  /** The format of the document; undefined before its first character. */
  format(): OutputFormat | undefined
  /**
   * Throws `source.answer-not-a-page` for anything else, `source.answer-too-large` beyond the limits of a page, and
   * `source.answer-malformed` if the document cannot be continued to a well-formed one.
   */
  write(bytes: Buffer): void
  /** The root, in steps. Throws `source.answer-truncated` if the document ends early, or else what `write` throws. */
  end(): Generator<void, AnswerRoot>
}

type DocumentDecoder = Pick<AnswerDecoder, 'write' | 'end'>

/** More white space before a document is refused. */
const MAX_BLANK_BYTES = 64 * 1024

/** Decodes a document of either format. */
export function answerDecoder(contentType: string | undefined, settings: DecodeSettings): AnswerDecoder {
  let head: Buffer = Buffer.alloc(0)
  let format: OutputFormat | undefined
  let document: DocumentDecoder | undefined
  const begin = () => {
    const encoding = encodingOf(head, contentType)
    format = formatAt(head, firstCharacter(head, encoding))
    const opened = format === 'xml' ? xmlDocument(encoding, settings) : jsonDocument(encoding, settings)
    opened.write(head.subarray(encoding.markBytes))
    document = opened
    return opened
  }
  return {
    format: () => format,
    write: (bytes) => {
      if (document !== undefined) return document.write(bytes)
      head = head.length === 0 ? bytes : Buffer.concat([head, bytes])
      const isBlank = firstCharacter(head, encodingOf(head, contentType)) === head.length
      if (head.length >= (isBlank ? MAX_BLANK_BYTES : HEAD_BYTES)) begin()
    },
    end: function* () {
      return yield* (document ?? begin()).end()
    },
  }
}

const notADocument = (why: string) => new ConnectorError('source.answer-not-a-page', `decode response: ${why}`)

/** The index of the first character, whatever the encoding, or else the length. */
function firstCharacter(head: Buffer, { markBytes }: Encoding): number {
  let at = markBytes
  while ((head[at] ?? 0xff) <= 0x20) at += 1
  return at
}

function formatAt(head: Buffer, at: number): OutputFormat {
  if (at === head.length) throw notADocument('the body is empty')
  const format = formatOf(String.fromCharCode(head[at] ?? 0))
  if (format === undefined) throw notADocument('the body is neither XML nor JSON')
  return format
}

/** The format of a text by its first character; undefined if it is neither XML nor JSON. */
export function formatOf(text: string): OutputFormat | undefined {
  const first = /^\s*([<{["])/.exec(text)?.[1]
  if (first === undefined) return undefined
  return first === '<' ? 'xml' : 'json'
}

const TEXT_STEP = 64 * 1024

function xmlDocument(encoding: Encoding, settings: DecodeSettings): DocumentDecoder {
  const text = bodyDecoder(encoding)
  const xml = xmlDecoder(settings)
  return {
    write: (bytes) => xml.write(text.write(bytes)),
    end: function* () {
      const rest = text.end()
      for (let at = 0; at < rest.length; at += TEXT_STEP) {
        xml.write(rest.slice(at, at + TEXT_STEP))
        yield
      }
      return xml.end()
    },
  }
}

function jsonDocument(encoding: Encoding, settings: DecodeSettings): DocumentDecoder {
  const body = new BodyMemory()
  return {
    write: (bytes) => body.add(bytes),
    end: function* () {
      const utf8 = asUtf8(body.bytes(), encoding)
      yield
      try {
        return yield* decodeJson(utf8, settings)
      } finally {
        body.free()
      }
    },
  }
}
