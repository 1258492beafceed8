import { ConnectorError } from '../../runtime/connector-error.ts'
import type { OutputFormat } from '../client-source.ts'
import type { AnswerRoot } from './answer-node.ts'
import { jsonDecoder } from './decode-json.ts'
import { type DecodeSettings, type DocumentDecoder, xmlDecoder } from './decode-xml.ts'

/** The format of a text by its first character; undefined if it is neither XML nor JSON. */
export function formatOf(text: string): OutputFormat | undefined {
  const first = /^\s*([<{["])/.exec(text)?.[1]
  if (first === undefined) return undefined
  return first === '<' ? 'xml' : 'json'
}

interface AnswerDecoder extends DocumentDecoder {
  /** The format of the document; undefined before its first character. */
  format(): OutputFormat | undefined
}

/** Decodes a document of either format. Throws `source.answer-not-a-page` for plain or empty text. */
export function answerDecoder(settings: DecodeSettings): AnswerDecoder {
  let blank = ''
  let format: OutputFormat | undefined
  let document: DocumentDecoder | undefined
  const begin = (text: string) => {
    format = formatOf(text)
    if (format === undefined) throw notADocument('the body is plain text')
    document = format === 'xml' ? xmlDecoder(settings) : jsonDecoder(settings)
    document.write(text)
  }
  return {
    format: () => format,
    write: (part) => {
      if (document !== undefined) return document.write(part)
      const text = blank + part
      if (text.trim() === '') blank = text
      else begin(text)
    },
    end: () => {
      if (document === undefined) throw notADocument('the body is empty')
      return document.end()
    },
  }
}

const notADocument = (why: string) => new ConnectorError('source.answer-not-a-page', `decode response: ${why}`)

/** Decodes a whole document of either format. */
export function decodeAnswer(text: string, settings: DecodeSettings): AnswerRoot {
  const decoder = answerDecoder(settings)
  decoder.write(text)
  return decoder.end()
}
