import { ConnectorError } from '../../../runtime/connector-error.ts'
import { MAX_DEPTH } from './answer-node.ts'
import { PageParser } from './saxes-parser.ts'
import { referenceDecoder } from './xml-reference.ts'

/** What a document contains, in its order. Names include prefixes. */
export interface XmlHandler {
  /** A start tag. `depth`: 0 for the root. */
  open(name: string, depth: number): void
  /** An attribute of the start tag that `open` reports next. */
  attribute(name: string, text: string): void
  /** Text or CDATA directly in the current element; may come in several parts. */
  text(text: string): void
  close(depth: number): void
}

/** Parses one document in parts of any size. */
export interface XmlParser {
  /** Throws `source.answer-malformed` if the document cannot be continued to a well-formed one. */
  write(part: string): void
  /** Throws `source.answer-truncated` if the document is not complete. */
  end(): void
  /** Number of references to characters that XML forbids so far. */
  replacedCharacters(): number
}

/** Each reference adds a part to a text, which takes 32 bytes until the text is flat. */
const PARTS_OF_TEXT = 65_536
/** V8 joins the parts of a text in order to read a character. */
const flatten = (text: string) => text.charCodeAt(0)

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode xml: ${why}`)

/**
 * A strict parser: well-formed XML 1.0 without namespaces, whatever version it declares. Rejects DOCTYPE and excessive
 * nesting. A message may contain a line and column, never content.
 */
export function xmlParser(handler: XmlHandler): XmlParser {
  const references = referenceDecoder()
  const parser = new PageParser({
    position: false,
    forceXMLVersion: true,
    defaultXMLVersion: '1.0',
    known: new Map(),
    decodeReference: (reference) => {
      const text = references.decode(reference)
      if (references.decoded() % PARTS_OF_TEXT === 0) flatten(parser.text)
      if (text === undefined) throw malformed('invalid character or entity reference')
      return text
    },
  })
  let depth = -1
  let length = 0
  let isEnding = false
  const { wellFormed } = references

  parser.on('attribute', ({ name, value }) => handler.attribute(name, wellFormed(value)))
  parser.on('opentag', ({ name }) => {
    depth += 1
    if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH} levels`)
    handler.open(name, depth)
  })
  parser.on('text', (text) => {
    if (depth >= 0) handler.text(wellFormed(text))
  })
  parser.on('cdata', (text) => handler.text(text))
  parser.on('closetag', () => {
    handler.close(depth)
    depth -= 1
  })
  parser.on('doctype', () => {
    throw malformed('the document contains a DOCTYPE')
  })
  parser.on('error', () => {
    // The message of the original error may quote the document.
    throw isEnding && /^#?\w*$/.test(parser.entity)
      ? new ConnectorError('source.answer-truncated', `decode xml: the document ends early, after ${length} characters`)
      : malformed(`not well-formed at line ${parser.line}, column ${parser.column}`)
  })
  return {
    write: (part) => {
      length += part.length
      parser.write(part)
    },
    end: () => {
      isEnding = true
      parser.close()
    },
    replacedCharacters: references.replaced,
  }
}
