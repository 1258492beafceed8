import { createHash, type Hash } from 'node:crypto'
import { type ClientRecord, OVERSIZE, oversizeText } from '../../client-source.ts'
import { FIRST_BYTES, FIRST_NODES, MAX_CLIENT_BYTES, MAX_CLIENT_FIELDS } from './page-limits.ts'
import type { AttributeFields, XmlElement, XmlValue } from './xml-element.ts'

/** A client that is being read. */
export interface OpenClient {
  readonly depth: number
  /** Nodes of the page before it. */
  readonly nodesBefore: number
  nodes: number
  characters: number
  /** Of all of it, once it is beyond its limits. */
  digest: Hash | undefined
}

/** A client whose start tag has been read. `nodes`: of the page so far. */
export function openClient(depth: number, fields: AttributeFields, nodes: number): OpenClient {
  const characters = fields.reduce((sum, [, text]) => sum + text.length, 0)
  return { depth, nodesBefore: nodes - fields.length, nodes: fields.length, characters, digest: undefined }
}

export function isBeyondLimits({ nodes, characters }: OpenClient): boolean {
  return nodes > MAX_CLIENT_FIELDS || characters > MAX_CLIENT_BYTES
}

/** Keeps the first fields of a client. `inner`: its open elements, from the client inwards; `next`: what follows. */
export function shorten(client: OpenClient, inner: readonly XmlElement[], next: string): void {
  const digest = createHash('sha256')
  for (const element of inner) digest.update(JSON.stringify(element))
  client.digest = digest.update(next)
  const [element] = inner
  if (element === undefined) return
  const { tags, children } = element
  let left = FIRST_BYTES
  const isKept = (child: XmlValue | undefined, at: number) => {
    if (at >= FIRST_NODES || typeof child !== 'string') return false
    left -= child.length
    return left >= 0
  }
  const kept = children.flatMap((child, at) => (isKept(child, at) ? [at] : []))
  element.tags = kept.map((at) => tags[at] ?? '')
  element.children = kept.map((at) => children[at] ?? null)
  element.fields = element.fields.slice(0, FIRST_NODES)
  element.text = ''
}

/** The record of the first fields, with what identifies the whole. */
export function oversize(record: ClientRecord, { characters, digest }: OpenClient): ClientRecord {
  return { ...record, [OVERSIZE]: oversizeText(characters, digest?.digest('base64url') ?? '') }
}

/** The record of a client that was read as anything else, or of its first fields if it is beyond its limits. */
export function recordWithin(element: XmlElement, toRecord: (element: XmlElement) => ClientRecord): ClientRecord {
  const client = openClient(0, [], 0)
  measure(element, client)
  if (!isBeyondLimits(client)) return toRecord(element)
  shorten(client, [element], '')
  return oversize(toRecord(element), client)
}

function measure({ fields, text, children }: XmlElement, size: Pick<OpenClient, 'nodes' | 'characters'>): void {
  size.nodes += fields.length + children.length
  size.characters += fields.reduce((sum, [, value]) => sum + value.length, text.length)
  for (const child of children) {
    if (typeof child === 'string') size.characters += child.length
    else if (child !== null) measure(child, size)
  }
}
