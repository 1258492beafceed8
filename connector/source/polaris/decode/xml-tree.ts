import type { ClientRecord } from '../../client-source.ts'
import { isFlagName, isInfoClientName } from './answer-node.ts'
import { isBeyondLimits, type OpenClient, openClient, oversize, shorten } from './client-limit.ts'
import { FIRST_NODES, MAX_NODES, tooManyNodes } from './page-limits.ts'
import {
  type AttributeFields,
  attributeCollector,
  localName,
  newElement,
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
 * remain in memory, and only the first fields of one beyond the limits; other elements stay as they are. The handler
 * throws `source.answer-too-large` for too many nodes.
 */
export function xmlTree(toClient: ((client: XmlElement) => ClientRecord) | undefined): XmlTree {
  const tree = new Tree(toClient)
  return { handler: tree, root: () => tree.root() }
}

/** Hot path: creates no object for an element that is only text. */
class Tree implements XmlHandler {
  readonly #toClient: ((client: XmlElement) => ClientRecord) | undefined
  readonly #document = newElement(undefined, '')
  readonly #open: OpenElement[] = []
  #parent = this.#document
  /** The current element while it has no child elements. */
  #leaf: string | undefined
  #text = ''
  /** Attributes of the leaf. */
  #fields: AttributeFields | undefined
  #isNil = false
  readonly #next = attributeCollector()
  /** Whether only text came since the last tag. */
  #isInText = false
  #nodes = 0
  #client: OpenClient | undefined

  constructor(toClient: ((client: XmlElement) => ClientRecord) | undefined) {
    this.#toClient = toClient
  }

  attribute(name: string, text: string): void {
    this.#count()
    const client = this.#client
    if (client !== undefined) client.characters += text.length
    if (client?.digest === undefined) this.#next.add(name, text)
    else client.digest.update(`${name}=${text}`)
  }

  open(tag: string, depth: number): void {
    this.#count()
    this.#isInText = false
    const client = this.#client
    if (client?.digest !== undefined) {
      client.digest.update(`<${tag}`)
      return
    }
    this.#openLeaf()
    if (client !== undefined && this.#mustShorten(client)) {
      this.#shorten(client, `<${tag}`)
      this.#next.clear()
      return
    }
    this.#leaf = tag
    this.#text = ''
    this.#fields = this.#next.fields()
    this.#isNil = this.#next.isNil()
    this.#next.clear()
    if (this.#toClient !== undefined && isClientTag(tag, depth))
      this.#client = openClient(depth, this.#fields ?? [], this.#nodes)
  }

  /** The leaf has child elements. */
  #openLeaf(): void {
    if (this.#leaf === undefined) return
    this.#parent = newElement(this.#fields, this.#text)
    this.#open.push({ tag: this.#leaf, isNil: this.#isNil, element: this.#parent })
    this.#leaf = undefined
  }

  text(part: string): void {
    // Comments and CDATA may divide a text into any number of parts.
    if (this.#isInText) this.#count()
    this.#isInText = true
    const client = this.#client
    if (client !== undefined) {
      client.characters += part.length
      if (client.digest === undefined && this.#mustShorten(client)) {
        this.#openLeaf()
        this.#shorten(client, '')
      }
    }
    if (client?.digest !== undefined) client.digest.update(part)
    else if (this.#leaf === undefined) this.#parent.text += part
    else this.#text = this.#text === '' ? part : this.#text + part
  }

  close(depth: number): void {
    this.#isInText = false
    const client = this.#client
    if (client?.digest !== undefined && depth !== client.depth) {
      client.digest.update('>')
      return
    }
    const isClient = depth === client?.depth
    if (isClient && client.digest === undefined && this.#mustShorten(client)) {
      this.#openLeaf()
      this.#shorten(client, '')
    }
    this.#close(depth)
    if (isClient) this.#client = undefined
  }

  #count(): void {
    const client = this.#client
    if (client !== undefined) client.nodes += 1
    if (client?.digest !== undefined) return
    this.#nodes += 1
    if (this.#nodes > MAX_NODES) throw tooManyNodes()
  }

  #mustShorten(client: OpenClient): boolean {
    if (!isBeyondLimits(client)) return false
    const isPage = this.#open[client.depth]?.element.tags.some((name) => isFlagName(localName(name))) === true
    if (isPage) this.#client = undefined
    return !isPage
  }

  /** What follows of the client is only hashed, from `next` on. */
  #shorten(client: OpenClient, next: string): void {
    const inner = this.#open.slice(client.depth).map(({ element }) => element)
    shorten(client, inner, next)
    this.#open.length = client.depth + 1
    this.#parent = this.#open.at(-1)?.element ?? this.#document
    this.#nodes = client.nodesBefore + FIRST_NODES
  }

  #close(depth: number): void {
    if (this.#leaf === undefined) this.#closeParent(depth)
    else this.#closeLeaf(this.#leaf, depth)
  }

  #closeLeaf(tag: string, depth: number): void {
    this.#leaf = undefined
    if (this.#isNil) this.#add(tag, null)
    else if (this.#fields === undefined) this.#add(tag, this.#text)
    else this.#add(tag, this.#converted(newElement(this.#fields, this.#text), tag, depth))
  }

  #closeParent(depth: number): void {
    const closed = this.#open.pop()
    if (closed === undefined) return
    this.#parent = this.#open.at(-1)?.element ?? this.#document
    this.#add(closed.tag, closed.isNil ? null : this.#converted(closed.element, closed.tag, depth))
  }

  #add(tag: string, value: XmlValue): void {
    this.#parent.tags.push(tag)
    this.#parent.children.push(value)
  }

  /** The element as a client, if it is one in case the document is a page. */
  #converted(element: XmlElement, tag: string, depth: number): XmlElement {
    if (this.#toClient === undefined || !isClientTag(tag, depth)) return element
    // An element with the flag is the page.
    if (element.tags.some((name) => isFlagName(localName(name)))) return element
    const record = this.#toClient(element)
    element.record = this.#client?.digest === undefined ? record : oversize(record, this.#client)
    element.tags = []
    element.children = []
    return element
  }

  root(): { readonly tag: string; readonly value: XmlValue } {
    return { tag: this.#document.tags[0] ?? '', value: this.#document.children[0] ?? null }
  }
}

/** A page that is the root has its clients at most here: see `findClients`. A wrapped page has them deeper. */
const DEEPEST_CLIENT = 3

function isClientTag(tag: string, depth: number): boolean {
  if (depth === 0 || depth > DEEPEST_CLIENT || tag.length < 'InfoClient'.length) return false
  return isInfoClientName(localName(tag))
}
