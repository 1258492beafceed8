import { localName } from './field-shape.ts'

/** What the parser makes: an element is an object with one key, its tag, whose value are its children; attributes stand under `:@`. */
export interface XmlChild {
  readonly [tag: string]: readonly XmlChild[] | string | Attributes | undefined
}
export type Attributes = Readonly<Record<string, string>>
/** Attributes that are fields: local name and text. */
export type AttributeFields = readonly (readonly [name: string, text: string])[]

export const TEXT = '#text'
const none: readonly XmlChild[] = []

/** The tag of an element; `#text` of text. */
export function tagOf(child: XmlChild): string {
  for (const key in child) return key // the tag always comes first
  return TEXT
}

export function childrenOf(element: XmlChild, tag: string): readonly XmlChild[] {
  const children = element[tag]
  return Array.isArray(children) ? children : none
}

export function attributesOf(element: XmlChild): Attributes | undefined {
  const attributes = element[':@']
  return attributes === undefined || typeof attributes === 'string' || Array.isArray(attributes)
    ? undefined
    : (attributes as Attributes)
}

export function isText(child: XmlChild): boolean {
  return child[TEXT] !== undefined
}

/** The text directly in an element, all its pieces together. */
export function textOf(children: readonly XmlChild[]): string {
  let text = ''
  for (const child of children) {
    const part = child[TEXT]
    if (typeof part === 'string') text += part
  }
  return text
}

/** `xsi:nil` under any prefix. */
export function isNil(attributes: Attributes): boolean {
  return Object.entries(attributes).some(([name, text]) => name.endsWith(':nil') && /^\s*(?:true|1)\s*$/.test(text))
}

const ofSchema = /^xmlns$|^xmlns:|^xml:|:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$|^z:(?:Id|Size)$/

/** The attributes that are fields: no namespaces, none of XML Schema's own, no numbering of the serializer. */
export function attributeFields(attributes: Attributes): AttributeFields {
  return Object.entries(attributes).flatMap(([raw, text]) =>
    ofSchema.test(raw) ? [] : [[localName(raw), text] as const],
  )
}
