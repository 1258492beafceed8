import { XMLParser } from 'fast-xml-parser'
import { type DocumentNode, MAX_DEPTH } from './answer-node.ts'
import { localName } from './field-shape.ts'
import { attributeField, setsNil } from './xml-element.ts'
import { referenceDecoder } from './xml-reference.ts'

/** A node of fast-xml-parser: an object with one key, its tag, that holds its children. Attributes are under `:@`. */
interface ParsedNode {
  readonly [tag: string]: readonly ParsedNode[] | string | Attributes | undefined
}
type Attributes = Readonly<Record<string, string>>

const TEXT = '#text'
const ATTRIBUTES = ':@'

/** Prefix for names that the parser rejects; `localName` removes it. */
const ESCAPE = '\u0001:'
const escapeName = (name: string) =>
  name === 'constructor' || name === 'prototype' || name === '__proto__' ? ESCAPE + name : name
const nothing = () => undefined

const parser = new XMLParser({
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
})

/** An element of a document that may not be well-formed. */
export interface LenientNode extends DocumentNode {
  children(): readonly LenientNode[]
  /** The text in the element and below it, also beside attributes and child elements; a leaf begins a line. */
  allText(): string
}

/**
 * Reads what a document says that is not a page, even if it is not well-formed: unknown entities stay as they are, and
 * elements without an end tag end with the document. Undefined if there is a DOCTYPE or the parser finds no element.
 */
export function readLeniently(text: string): LenientNode | undefined {
  if (/<!DOCTYPE/i.test(text)) return undefined
  const root = parse(text).find((node) => !isText(node))
  return root && nodeOf(root)
}

function parse(text: string): readonly ParsedNode[] {
  try {
    return parser.parse(text)
  } catch {
    return []
  }
}

function nodeOf(node: ParsedNode): LenientNode {
  const tag = tagOf(node)
  const content = node[tag]
  const children: readonly ParsedNode[] = Array.isArray(content) ? content : []
  const attributes = Object.entries((node[ATTRIBUTES] ?? {}) as Attributes)
  const fields = attributes.flatMap(([raw, text]) => {
    const name = attributeField(raw)
    return name === undefined ? [] : [leaf(name, text)]
  })
  const elements = children.filter((child) => !isText(child))
  const isNil = attributes.some(([name, text]) => setsNil(name, text))
  const hasFields = fields.length > 0 || elements.length > 0
  return {
    name: localName(tag),
    kind: isNil ? 'absent' : hasFields ? 'object' : 'text',
    text: () => (hasFields || isNil ? '' : children.map((child) => child[TEXT]).join('')),
    children: () => (isNil ? [] : [...fields, ...elements.map(nodeOf)]),
    allText: () => children.map(textBelow).join('\n'),
  }
}

function textBelow(node: ParsedNode): string {
  const content = node[tagOf(node)]
  return Array.isArray(content) ? content.map(textBelow).join('\n') : String(node[TEXT] ?? '')
}

const isText = (node: ParsedNode) => node[TEXT] !== undefined

/** The tag of an element, or `#text`. */
function tagOf(node: ParsedNode): string {
  return Object.keys(node)[0] ?? TEXT // the tag is always the first key
}

function leaf(name: string, text: string): LenientNode {
  return { name, kind: 'text', text: () => text, children: () => [], allText: () => text }
}

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text
  const references = referenceDecoder()
  const decoded = text.replace(/&(#?\w{1,20});/g, (whole, reference) => references.decode(reference) ?? whole)
  return references.wellFormed(decoded)
}
