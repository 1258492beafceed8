import type { FieldTypes } from '../../event/fields/field-types.ts'
import { fieldsOf, parsedWithDigits, rawText } from '../../runtime/parsed-json.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** A value in a client, which is given as JSON. */
interface Found {
  readonly client: string
  readonly value: unknown
}

/** Returns the JSON Schema of clients, each given as JSON. Invariant 8: it has the names of fields, but no value. */
export function clientSchema(clients: readonly string[], types: FieldTypes = new Map()): JsonSchema {
  const total = new Set(clients).size
  const schemaOf = (found: readonly Found[], path: readonly string[]): JsonSchema => {
    const parts = Map.groupBy(found.flatMap(partsOf), ({ name }) => name)
    const schemas = Array.from(parts, ([name, some]) => [name, schemaOf(some, name === ITEMS ? path : [...path, name])])
    const { [ITEMS]: items, [OTHERS]: additionalProperties, ...properties } = Object.fromEntries(schemas)
    const number = types.get(path.join('.').toLowerCase()) === 'integer' ? 'integer' : 'number'
    const kinds = new Set(found.map(({ value }) => (rawText(value) === undefined ? typeOf(value) : number)))
    return {
      $comment: `in ${new Set(found.map(({ client }) => client)).size} of ${total} clients`,
      type: kinds.size > 1 ? [...kinds] : [...kinds][0],
      properties: kinds.has('object') ? properties : undefined,
      items,
      additionalProperties,
    }
  }
  const found = clients.map((client) => ({ client, value: parsedWithDigits(client) }))
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schemaOf(found, []) }
}

const ITEMS = '[]'
/** Keys that are no names can be personal data, as in a map by e-mail address. */
const OTHERS = '*'
const nameForm = /^[\p{L}_$#][\p{L}\p{M}\p{N}_$:.-]{0,63}$/u

const typeOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value)

const partsOf = ({ client, value }: Found) =>
  Object.entries(rawText(value) === undefined ? fieldsOf(value) : {}).map(([key, part]) => ({
    client,
    value: part,
    name: Array.isArray(value) ? ITEMS : nameForm.test(key) ? key : OTHERS,
  }))
