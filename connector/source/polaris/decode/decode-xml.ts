import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type AnswerDocument, AnswerNode, Element, REFERENCE, type Value } from './answer-node.ts'
import { withoutForbiddenCharacters } from './decode-text.ts'
import { limitXml, MAX_DEPTH, replacedCounter, tooDeepError } from './page-limits.ts'
import { XmlParser } from './xml-parser.ts'

const malformedError = (why: string) => new ConnectorError('source.answer-malformed', `decode xml: ${why}`)

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

/**
 * An element that is being read. The next element at the same depth uses the same object, whose lists have grown by
 * then. The tree gets copies of these lists in their final size, which take less than half the memory.
 */
interface OpenElement {
  name: string
  text: string
  isNil: boolean
  /** Only this number of names and values are its own. Those after them are of an earlier element. */
  count: number
  readonly names: string[]
  readonly values: Value[]
}

/** Parses a whole document, on a hot path. */
function parse(text: string): AnswerNode {
  const parser = new XmlParser({ position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  const open: OpenElement[] = []
  const document = openElement(open, 0, '')
  let depth = 0
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
    if (depth > MAX_DEPTH) throw tooDeepError()
    let name = names.get(tag)
    if (name === undefined) {
      name = localName(tag)
      names.set(tag, name)
    }
    depth += 1
    current = openElement(open, depth, name)
    if (attributes.length > 0) takeAttributes(current, attributes.splice(0))
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const { name } = current
    const value = contentOf(current)
    depth -= 1
    current = open[depth] ?? document
    addValue(current, name, value)
  })
  parser.on('doctype', () => {
    throw malformedError('the document contains a DOCTYPE')
  })
  parser.on('error', () => {
    // The message of the original error may quote the document.
    throw malformedError(`not well-formed at line ${parser.line}, column ${parser.column} of ${text.length} characters`)
  })
  parser.write(text)
  parser.close()
  const {
    names: [name = ''],
    values: [value = ''],
  } = document
  return new AnswerNode(name, value)
}

/** Returns the open element at this depth, emptied for an element with this name. */
function openElement(open: OpenElement[], depth: number, name: string): OpenElement {
  const element = open[depth] ?? { name, text: '', isNil: false, count: 0, names: [], values: [] }
  open[depth] = element
  element.name = name
  element.text = ''
  element.isNil = false
  element.count = 0
  return element
}

/** Returns the value of an element; the attributes and children of one that is nil are left out. */
function contentOf(element: OpenElement): Value {
  const { text, isNil, count, names, values } = element
  if (isNil) return null
  return count === 0 ? text : new Element(names.slice(0, count), values.slice(0, count), text)
}

function addValue(parent: OpenElement, name: string, value: Value) {
  parent.names[parent.count] = name
  parent.values[parent.count] = value
  parent.count += 1
}

function takeAttributes(element: OpenElement, attributes: readonly (readonly [name: string, text: string])[]) {
  for (const [attribute, text] of attributes) {
    if (!schemaAttribute.test(attribute))
      addValue(element, isReference(attribute, text) ? REFERENCE : localName(attribute), text)
    else if (attribute.endsWith(':nil') && /^\s*(?:true|1)\s*$/.test(text)) element.isNil = true
  }
}

/** Attributes that are no fields: namespaces, those of XML Schema, and the ids of serializers. */
const schemaAttribute = /^xmlns$|^xmlns:|^xml:|:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$|^z:(?:Id|Size)$/

/** Whether a serializer of .NET points to another element with the attribute. */
const isReference = (attribute: string, text: string) =>
  attribute === 'z:Ref' || (attribute === 'href' && text.startsWith('#'))

/** Returns the name without its namespace prefix. */
const localName = (name: string) => name.slice(name.indexOf(':') + 1)

const references = /<!\[CDATA\[.*?(?:\]\]>|$)|(?:&#(?:\d{1,7}|x[\da-fA-F]{1,6});)+/gs
const LAST_CHARACTER = 0x10ffff

/**
 * Returns the text with U+FFFD in place of the references to characters that XML forbids. References to the two
 * surrogates of one character become that character.
 */
function withoutForbiddenReferences(text: string): { fixed: string; replacedCharacters: number } {
  const { count, total } = replacedCounter()
  const fixed = text.replace(references, (run) => {
    if (run.startsWith('<')) return run
    const codes = Array.from(run.matchAll(/#(\w+)/g), ([, number = '']) => Number(number.replace('x', '0x')))
    if (codes.some((code) => code > LAST_CHARACTER)) return run
    const characters = codes.map((code) => (code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code)))
    const allowed = withoutForbiddenCharacters(characters.join(''), count)
    return Array.from(allowed, (character) => `&#${character.codePointAt(0)};`).join('')
  })
  return { fixed, replacedCharacters: total() }
}
