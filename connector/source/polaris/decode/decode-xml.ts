import type { ClientRecord } from '../../client-source.ts'
import type { AnswerNode, AnswerRoot, DocumentNode } from './answer-node.ts'
import { recordWithin } from './client-limit.ts'
import { localName, type XmlElement, type XmlValue } from './xml-element.ts'
import { xmlParser } from './xml-parser.ts'
import { xmlRecord } from './xml-record.ts'
import { xmlTree } from './xml-tree.ts'

export interface DecodeSettings {
  /** IANA name of the server's time zone. */
  readonly timeZone: string
  /** Dotted path of the list of clients in the page; undefined: detected. */
  readonly clientsField?: string | undefined
}

/** Decodes one document, which comes in parts. */
interface XmlDecoder {
  /** Throws `source.answer-malformed` if the document cannot be continued to a well-formed one. */
  write(part: string): void
  /** The root. Throws `source.answer-truncated` if the document ends early, or else `source.answer-malformed`. */
  end(): AnswerRoot
}

/** The texts of a record refer to the text of the page, which stays in memory with them, up to this size. */
const LONGEST_IN_MEMORY = 4 * 1024 * 1024

/** The record with its own texts. */
const copyOf = (record: ClientRecord): ClientRecord => JSON.parse(JSON.stringify(record))

/** Decodes XML. Messages may contain a line and column, never content. */
export function xmlDecoder(settings: DecodeSettings): XmlDecoder {
  let length = 0
  const toClient = (client: XmlElement) => {
    const record = xmlRecord(client, settings.timeZone)
    return length > LONGEST_IN_MEMORY ? copyOf(record) : record
  }
  const tree = xmlTree(settings.clientsField === undefined ? toClient : undefined)
  const parser = xmlParser(tree.handler)
  return {
    write: (part) => {
      length += part.length
      parser.write(part)
    },
    end: () => {
      parser.end()
      const { tag, value } = tree.root()
      return Object.assign(new XmlNode(tag, value, settings.timeZone), {
        replacedCharacters: parser.replacedCharacters(),
      })
    },
  }
}

/** A node of a document that is no page. */
export function xmlNode(tag: string, value: XmlValue): DocumentNode {
  return new XmlNode(tag, value, 'UTC')
}

/** A class, since a page can have tens of thousands of nodes: an object with functions of its own takes much longer. */
class XmlNode implements AnswerNode {
  readonly name: string
  readonly kind: AnswerNode['kind']
  readonly #value: XmlValue
  readonly #timeZone: string
  #children: readonly AnswerNode[] | undefined

  constructor(tag: string, value: XmlValue, timeZone: string) {
    this.name = localName(tag)
    this.kind = value === null ? 'absent' : typeof value === 'string' ? 'text' : 'object'
    this.#value = value
    this.#timeZone = timeZone
  }

  text(): string {
    return typeof this.#value === 'string' ? this.#value : ''
  }

  allText(): string {
    return textBelow(this.#value)
  }

  children(): readonly AnswerNode[] {
    this.#children ??= childrenOf(this.#value, this.#timeZone)
    return this.#children
  }

  client(): ClientRecord {
    const value = this.#value
    if (value === null || typeof value === 'string') return {}
    return value.record ?? recordWithin(value, (element) => xmlRecord(element, this.#timeZone))
  }
}

function textBelow(value: XmlValue): string {
  if (value === null || typeof value === 'string') return value ?? ''
  const { text, children } = value
  return [...(text === '' ? [] : [text]), ...children.map(textBelow)].join('\n')
}

function childrenOf(value: XmlValue, timeZone: string): readonly AnswerNode[] {
  if (value === null || typeof value === 'string') return []
  const { fields, tags, children } = value
  const elements = children.map((child, at) => new XmlNode(tags[at] ?? '', child, timeZone))
  return [...fields.map(([name, text]) => new XmlNode(name, text, timeZone)), ...elements]
}
