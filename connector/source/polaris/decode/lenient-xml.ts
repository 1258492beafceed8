import { createRequire } from 'node:module'
import type { XMLParser } from 'fast-xml-parser'
import { type AnswerNode, noChildren } from './answer-node.ts'
import { localName } from './decode-xml.ts'

/** A node of fast-xml-parser: an object with one key, its tag, that holds its children. */
interface ParsedNode {
  readonly [tag: string]: readonly ParsedNode[] | string | undefined
}

const TEXT = '#text'

const load = createRequire(import.meta.url)

/** Loaded with the first document that is no page: it takes 4 MB. */
function loadedParser(): XMLParser {
  const { XMLParser: Parser }: { XMLParser: typeof XMLParser } = load('fast-xml-parser')
  return new Parser({
    preserveOrder: true,
    parseTagValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    htmlEntities: true,
  })
}

let parser: XMLParser | undefined

/**
 * Reads what a document says that is not a page, without its attributes, even if it is not well-formed: unknown entities stay as they are, and
 * elements without an end tag end with the document. Undefined if there is a DOCTYPE or the parser finds no element.
 */
export function readLeniently(text: string): AnswerNode | undefined {
  if (/<!DOCTYPE/i.test(text)) return undefined
  const root = parse(text).find((node) => node[TEXT] === undefined)
  return root && nodeOf(root)
}

function parse(text: string): readonly ParsedNode[] {
  parser ??= loadedParser()
  const lenient = parser
  try {
    return lenient.parse(text)
  } catch {
    return []
  }
}

function nodeOf(parsed: ParsedNode): AnswerNode {
  const [tag = ''] = Object.keys(parsed)
  const name = localName(tag)
  const content = parsed[tag]
  const inner = Array.isArray(content) ? (content as readonly ParsedNode[]) : []
  const text = inner.map((child) => child[TEXT] ?? '').join('')
  const children = inner.filter((child) => child[TEXT] === undefined).map(nodeOf)
  return children.length === 0
    ? { name, kind: 'text', text, children: noChildren }
    : { name, kind: 'object', text, children }
}
