import type { ClientRecord } from '../client-source.ts'
import { localName } from './field-shape.ts'
import { isFlagName, isInfoClientName } from './page-names.ts'
import {
  type AttributeFields,
  attributeField,
  newElement,
  setsNil,
  type XmlElement,
  type XmlValue,
} from './xml-element.ts'
import type { XmlHandler } from './xml-parser.ts'

/** Builds the tree of a document from what the parser reports. */
export interface XmlTree {
  readonly handler: XmlHandler
  /** The root element; to be called at the end of the document. `tag`: name including the prefix. */
  root(): { readonly tag: string; readonly value: XmlValue }
}

/** An element with child elements, up to its end tag. */
interface OpenElement {
  readonly tag: string
  readonly isNil: boolean
  readonly element: XmlElement
}

/**
 * With `toClient`, elements named `InfoClient` near the root are converted at their end tag, so that only the records
 * remain in memory; other elements stay as they are. Hot path: creates no object for an element that is only text.
 */
export function xmlTree(toClient: ((client: XmlElement) => ClientRecord) | undefined): XmlTree {
  const document = newElement(undefined, '')
  const open: OpenElement[] = []
  let parent = document
  /** The current element while it has no child elements. */
  let leaf: string | undefined
  let text = ''
  /** Attributes of the leaf. */
  let fields: AttributeFields | undefined
  let isNil = false
  const next = attributeCollector()

  const add = (tag: string, value: XmlValue) => {
    parent.tags.push(tag)
    parent.children.push(value)
  }
  const closeLeaf = (tag: string, depth: number) => {
    leaf = undefined
    if (isNil) return add(tag, null)
    if (fields === undefined) return add(tag, text)
    add(tag, converted(newElement(fields, text), { tag, depth, toClient }))
  }
  const closeParent = (depth: number) => {
    const closed = open.pop()
    if (closed === undefined) return
    parent = open.at(-1)?.element ?? document
    const { tag, element } = closed
    add(tag, closed.isNil ? null : converted(element, { tag, depth, toClient }))
  }
  const handler: XmlHandler = {
    attribute: next.add,
    open: (tag) => {
      if (leaf !== undefined) {
        parent = newElement(fields, text)
        open.push({ tag: leaf, isNil, element: parent })
      }
      leaf = tag
      text = ''
      fields = next.fields()
      isNil = next.isNil()
      next.clear()
    },
    text: (part) => {
      if (leaf === undefined) parent.text += part
      else text = text === '' ? part : text + part
    },
    close: (depth) => (leaf === undefined ? closeParent(depth) : closeLeaf(leaf, depth)),
  }
  return { handler, root: () => ({ tag: document.tags[0] ?? '', value: document.children[0] ?? null }) }
}

/** The attributes of the next start tag. */
function attributeCollector() {
  let fields: (readonly [name: string, text: string])[] | undefined
  let isNil = false
  return {
    add: (name: string, text: string) => {
      const field = attributeField(name)
      if (field === undefined) isNil ||= setsNil(name, text)
      else if (fields === undefined) fields = [[field, text]]
      else fields.push([field, text])
    },
    fields: (): AttributeFields | undefined => fields,
    isNil: () => isNil,
    clear: () => {
      fields = undefined
      isNil = false
    },
  }
}

/** A page that is the root has its clients at most here: see `findClients`. A wrapped page has them deeper. */
const DEEPEST_CLIENT = 3

interface Conversion {
  readonly tag: string
  readonly depth: number
  readonly toClient: ((client: XmlElement) => ClientRecord) | undefined
}

/** The element as a client, if it is one in case the document is a page. */
function converted(element: XmlElement, { tag, depth, toClient }: Conversion): XmlElement {
  if (toClient === undefined || depth === 0 || depth > DEEPEST_CLIENT) return element
  // An element with the flag is the page.
  if (!isInfoClientName(localName(tag)) || element.tags.some((name) => isFlagName(localName(name)))) return element
  element.record = toClient(element)
  element.tags = []
  element.children = []
  return element
}
