import type { ClientRecord } from '../../client-source.ts'

/** An element with attributes or child elements. */
export interface XmlElement {
  /** The attributes that are fields. */
  fields: AttributeFields
  /** The concatenated text directly in the element. */
  text: string
  /** The names of the child elements, including prefixes. */
  tags: string[]
  /** The child elements, at the index of their name. */
  children: XmlValue[]
  /** The element as a client, if it was converted at its end tag; `tags` and `children` are then empty. */
  record: ClientRecord | undefined
}

/** What an element holds. A text: no attributes that are fields, no child elements. Null: nil. */
export type XmlValue = string | null | XmlElement

/** The attributes of an element that are fields. `name`: local name. */
export type AttributeFields = readonly (readonly [name: string, text: string])[]

/** The name without its namespace prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

const none: AttributeFields = []

/** An element without content so far. */
export function newElement(fields: AttributeFields | undefined, text: string): XmlElement {
  return { fields: fields ?? none, text, tags: [], children: [], record: undefined }
}

const ofSchema = /^xmlns$|^xmlns:|^xml:|:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$|^z:(?:Id|Size)$/

/** The name of an attribute as a field; undefined for namespaces, XML Schema attributes and serializer ids. */
function attributeField(name: string): string | undefined {
  return ofSchema.test(name) ? undefined : localName(name)
}

/** Whether the attribute is `xsi:nil`, with any prefix, and set. */
function setsNil(name: string, text: string): boolean {
  return name.endsWith(':nil') && /^\s*(?:true|1)\s*$/.test(text)
}

/** The attributes of the next start tag. */
export function attributeCollector() {
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
