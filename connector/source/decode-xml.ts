import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type AnswerNode, MAX_DEPTH } from './answer-node.ts'
import { type FieldShape, localName } from './field-shape.ts'
import { decodeEntities } from './xml-entities.ts'
import { type XmlContext, xmlRecord } from './xml-record.ts'
import { attributeFields, attributesOf, childrenOf, isNil, isText, tagOf, textOf, type XmlChild } from './xml-tree.ts'

/** What a decoder of clients needs to know. */
export interface DecodeSettings {
  readonly shape: FieldShape
  /** IANA name of the server's zone. */
  readonly timeZone: string
}

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode xml: ${why}`)

/** Prefix of names that the parser would not let through; `localName` takes it off. */
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
    decode: (text) =>
      decodeEntities(text, () => malformed('a reference to a character or entity that XML does not know')),
  },
})

/**
 * The root element of a well-formed document. Throws `source.answer-truncated` when it ends before its root does, else
 * `source.answer-malformed`; the message tells the place, never the content.
 */
export function decodeXml(text: string, settings: DecodeSettings): AnswerNode {
  validate(text)
  refuseDeclarations(text)
  const roots = parse(text).filter((child) => !isText(child))
  const [root] = roots
  if (root === undefined || roots.length !== 1) throw malformed(`${roots.length} root elements`)
  return elementNode(root, settings)
}

/** `<!DOCTYPE` and its like are refused wherever they stand: entities are decoded, never defined. */
function refuseDeclarations(text: string): void {
  const declaration = /<!(?!--|\[CDATA\[)/
  if (!declaration.test(text)) return
  const outside = text.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, '')
  if (declaration.test(outside)) throw malformed('it has a document type or another declaration')
}

function validate(text: string): void {
  const result = XMLValidator.validate(text)
  if (result === true && withoutTrailing(text).endsWith('>')) return
  if (result === true ? hasOpenComment(text) : isCut(text)) {
    const length = text.length
    throw new ConnectorError(
      'source.answer-truncated',
      `decode xml: after ${length} characters the root element is not over`,
    )
  }
  throw malformed(
    result === true
      ? 'text after the root element'
      : `${result.err.code} at line ${result.err.line}, column ${result.err.col ?? 1}`,
  )
}

/** Whether the root element of a text that is not well-formed never ends. */
function isCut(text: string): boolean {
  const root = /<([^\s<>/?!]+)/.exec(text)?.[1]
  const end = text.lastIndexOf(`</${root}`)
  return end === -1 || !text.includes('>', end) || hasOpenComment(text)
}

function hasOpenComment(text: string): boolean {
  return text.lastIndexOf('<!--') > text.lastIndexOf('-->')
}

/** The text without the white space and comments at its end. */
function withoutTrailing(text: string): string {
  let end = text.trimEnd()
  while (end.endsWith('-->') && end.includes('<!--')) end = end.slice(0, end.lastIndexOf('<!--')).trimEnd()
  return end
}

function parse(text: string): readonly XmlChild[] {
  try {
    return parser.parse(text)
  } catch (error) {
    if (error instanceof ConnectorError) throw error
    // Its messages may quote the document.
    throw isCut(text)
      ? new ConnectorError(
          'source.answer-truncated',
          `decode xml: something is not over after ${text.length} characters`,
        )
      : malformed('the parser refuses what the validator lets through')
  }
}

function elementNode(element: XmlChild, context: XmlContext): AnswerNode {
  const tag = tagOf(element)
  const children = childrenOf(element, tag)
  const attributes = attributesOf(element) ?? {}
  const fields = attributeFields(attributes)
  const hasFields = fields.length > 0 || !children.every(isText)
  return {
    name: localName(tag),
    kind: isNil(attributes) ? 'absent' : hasFields ? 'object' : 'text',
    text: () => (hasFields ? '' : textOf(children)),
    children: () => [
      ...fields.map(([name, text]) => leafNode(name, text)),
      ...children.filter((child) => !isText(child)).map((child) => elementNode(child, context)),
    ],
    client: () => (hasFields ? xmlRecord(element, context) : {}),
  }
}

function leafNode(name: string, text: string): AnswerNode {
  return { name, kind: 'text', text: () => text, children: () => [], client: () => ({}) }
}
