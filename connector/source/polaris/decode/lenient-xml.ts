import { createRequire } from 'node:module'
import type { X2jOptions, XMLParser } from 'fast-xml-parser'
import { once } from '../../../runtime/once.ts'
import { type DocumentNode, MAX_DEPTH } from './answer-node.ts'
import { xmlNode } from './decode-xml.ts'
import { attributeCollector, newElement, type XmlValue } from './xml-element.ts'
import { referenceDecoder } from './xml-reference.ts'

/** A node of fast-xml-parser: an object with one key, its tag, that holds its children. Attributes are under `:@`. */
interface ParsedNode {
  readonly [tag: string]: readonly ParsedNode[] | string | Attributes | undefined
}
type Attributes = Readonly<Record<string, string>>

const TEXT = '#text'
const ATTRIBUTES = ':@'

/** Prefix for names that the parser rejects; the local name is without it. */
const ESCAPE = '\u0001:'
const escapeName = (name: string) =>
  name === 'constructor' || name === 'prototype' || name === '__proto__' ? ESCAPE + name : name
const nothing = () => undefined

const load = createRequire(import.meta.url)

/** Loaded with the first document that is no page: it takes 4 MB. */
const parser = once((): Pick<XMLParser, 'parse'> => {
  const { XMLParser: Parser }: { XMLParser: typeof XMLParser } = load('fast-xml-parser')
  return new Parser(options)
})

const options: X2jOptions = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  jPath: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH,
  transformTagName: escapeName,
  transformAttributeName: escapeName,
  onDangerousProperty: (name) => name,
  entityDecoder: {
    setExternalEntities: nothing,
    addInputEntities: nothing,
    reset: nothing,
    setXmlVersion: nothing,
    decode: decodeReferences,
  },
}

/**
 * Reads what a document says that is not a page, even if it is not well-formed: unknown entities stay as they are, and
 * elements without an end tag end with the document. Undefined if there is a DOCTYPE or the parser finds no element.
 */
export function readLeniently(text: string): DocumentNode | undefined {
  if (/<!DOCTYPE/i.test(text)) return undefined
  const root = parse(text).find((node) => !isText(node))
  return root && xmlNode(tagOf(root), elementOf(root))
}

function parse(text: string): readonly ParsedNode[] {
  const lenient = parser()
  try {
    return lenient.parse(text)
  } catch {
    return []
  }
}

function elementOf(node: ParsedNode): XmlValue {
  const content = node[tagOf(node)]
  const inner: readonly ParsedNode[] = Array.isArray(content) ? content : []
  const attributes = attributeCollector()
  for (const [name, text] of Object.entries((node[ATTRIBUTES] ?? {}) as Attributes)) attributes.add(name, text)
  if (attributes.isNil()) return null
  const text = inner.map((child) => child[TEXT] ?? '').join('')
  const children = inner.filter((child) => !isText(child))
  if (attributes.fields() === undefined && children.length === 0) return text
  const element = newElement(attributes.fields(), text)
  element.tags = children.map(tagOf)
  element.children = children.map(elementOf)
  return element
}

const isText = (node: ParsedNode) => node[TEXT] !== undefined

/** The tag of an element, or `#text`. */
function tagOf(node: ParsedNode): string {
  return Object.keys(node)[0] ?? TEXT // the tag is always the first key
}

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text
  const references = referenceDecoder()
  const decoded = text.replace(/&(#?\w{1,20});/g, (whole, reference) => references.decode(reference) ?? whole)
  return references.wellFormed(decoded)
}
