import { SaxesParser } from 'saxes'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type AnswerDocument, type AnswerNode, noChildren } from './answer-node.ts'
import { withoutForbidden } from './decode-text.ts'
import { limitXml, MAX_DEPTH, replacedCounter, tooDeep } from './page-limits.ts'

const malformed = (why: string) => new ConnectorError('source.answer-malformed', `decode xml: ${why}`)

/**
 * Decodes well-formed XML 1.0 without namespaces, whatever version it declares. Throws `source.answer-too-large` beyond
 * the limits of a page, or else `source.answer-malformed`. Messages contain a line and column, never content.
 */
export function decodeXml(text: string): AnswerDocument {
  limitXml(text)
  try {
    return { root: parse(text), replacedCharacters: 0 }
  } catch (error) {
    const { fixed, replacedCharacters } = withoutForbiddenReferences(text)
    if (fixed === text) throw error
    return { root: parse(fixed), replacedCharacters }
  }
}

/** An element that the parser reads. */
type OpenNode = { -readonly [Key in keyof AnswerNode]: AnswerNode[Key] }

/** Hot path. */
function parse(text: string): AnswerNode {
  const parser = new SaxesParser({ position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  const document = leaf('', '')
  const open = [document]
  let current = document
  const addText = (part: string) => {
    current.text += part
  }
  // The parser makes a new text of each name.
  const names = new Map<string, string>()
  const attributes: [name: string, text: string][] = []
  parser.on('attribute', ({ name, value }) => {
    attributes.push([name, value])
  })
  parser.on('opentag', ({ name: tag }) => {
    if (open.length > MAX_DEPTH + 1) throw tooDeep()
    const name = names.get(tag) ?? localName(tag)
    if (!names.has(tag)) names.set(tag, name)
    const parent = current
    current = attributes.length === 0 ? leaf(name, '') : withAttributes(name, attributes.splice(0))
    add(current, parent)
    open.push(current)
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    open.pop()
    current = open.at(-1) ?? document
  })
  parser.on('doctype', () => {
    throw malformed('the document contains a DOCTYPE')
  })
  parser.on('error', () => {
    // The message of the original error may quote the document.
    throw malformed(`not well-formed at line ${parser.line}, column ${parser.column} of ${text.length} characters`)
  })
  parser.write(text)
  parser.close()
  return document.children[0] ?? document
}

/** The children of an element that is nil are left out. */
function add(node: AnswerNode, parent: OpenNode): void {
  if (parent.kind === 'absent') return
  if (parent.kind === 'object') (parent.children as AnswerNode[]).push(node)
  else {
    parent.kind = 'object'
    parent.children = [node]
  }
}

const leaf = (name: string, text: string): OpenNode => ({ name, kind: 'text', text, children: noChildren })

function withAttributes(name: string, attributes: readonly (readonly [name: string, text: string])[]): OpenNode {
  const node = leaf(name, '')
  for (const [attribute, text] of attributes) {
    if (!ofSchema.test(attribute)) add(leaf(localName(attribute), text), node)
    else if (attribute.endsWith(':nil') && /^\s*(?:true|1)\s*$/.test(text))
      return { ...node, kind: 'absent', children: noChildren }
  }
  return node
}

/** Attributes that are no fields: namespaces, those of XML Schema, and the ids of serializers. */
const ofSchema = /^xmlns$|^xmlns:|^xml:|:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$|^z:(?:Id|Size)$/

/** The name without its namespace prefix. */
export const localName = (name: string) => name.slice(name.indexOf(':') + 1)

const references = /<!\[CDATA\[.*?(?:\]\]>|$)|(?:&#(?:\d{1,7}|x[\da-fA-F]{1,6});)+/gs
const LAST_CHARACTER = 0x10ffff

/**
 * The text with U+FFFD in place of the references to characters that XML forbids. References to the two surrogates of
 * one character become that character.
 */
function withoutForbiddenReferences(text: string): { readonly fixed: string; readonly replacedCharacters: number } {
  const { count, replaced } = replacedCounter()
  const fixed = text.replace(references, (run) => {
    if (run.startsWith('<')) return run
    const codes = Array.from(run.matchAll(/#(\w+)/g), ([, number = '']) => Number(number.replace('x', '0x')))
    if (codes.some((code) => code > LAST_CHARACTER)) return run
    const characters = codes.map((code) => (code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code)))
    const allowed = withoutForbidden(characters.join(''), count)
    return Array.from(allowed, (character) => `&#${character.codePointAt(0)};`).join('')
  })
  return { fixed, replacedCharacters: replaced() }
}
