import { CONTRACT_MAJOR } from './client-event.ts'
import { type JsonSchema, schemaHeader, sharedSchemas } from './event-schema.ts'
import { actionOf, type FieldRules } from './fields/field-rules.ts'
import { type FieldTypes, typeRows, type ValueType } from './fields/field-types.ts'

/** A field that the clients of a stream have. A path has one or two names; `*` stands for names that are not kept. */
interface KnownField {
  readonly path: string
  /** Its forms, except when it is empty. */
  readonly shapes: readonly ('text' | 'object' | 'list')[]
}

interface KnownClients {
  /** The `source` of their events. */
  readonly source: string
  readonly fields: readonly KnownField[]
  /** Paths of the fields that are lists in every event. */
  readonly lists: readonly string[]
  /** Undefined: events contain whole clients. */
  readonly rules: FieldRules | undefined
  /** Undefined: every value is text. */
  readonly types?: FieldTypes | undefined
}

const VALUE = '#/$defs/value'
const hashed = { description: 'HMAC-SHA-256, base64url; an empty text stays empty.', type: 'string' }

/** The JSON Schema of the clients of one stream, with the names of the fields that were seen so far. */
export function clientSchema({ source, fields, lists, rules, types }: KnownClients): JsonSchema {
  const { client, value } = sharedSchemas('#/$defs/')
  const inForce = new Set(lists.map((path) => path.toLowerCase()))
  const parts = { fields, inForce, rules, types }
  return {
    ...schemaHeader,
    $id: `urn:polaris-connector:client.modified:${CONTRACT_MAJOR}:${source.split('/').slice(2).join(':')}`,
    ...client,
    ...propertiesBelow(undefined, parts),
    $defs: { value },
  }
}

interface SchemaParts extends Pick<KnownClients, 'fields' | 'rules' | 'types'> {
  readonly inForce: ReadonlySet<string>
}

/** Fields may be added, so none is forbidden; each may be absent, so none is required. */
function propertiesBelow(parent: string | undefined, parts: SchemaParts) {
  const prefix = parent === undefined ? '' : `${parent}.`
  const known = parts.fields.filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'))
  const named = known.flatMap(({ path, shapes }): [string, JsonSchema][] => {
    const name = path.slice(prefix.length)
    const schema = name === '*' ? undefined : fieldSchema({ path, shapes }, parts)
    return schema === undefined ? [] : [[name, schema]]
  })
  return { properties: Object.fromEntries(named), additionalProperties: { $ref: VALUE } }
}

/** Undefined: no event has the field. */
function fieldSchema({ path, shapes }: KnownField, parts: SchemaParts): JsonSchema | undefined {
  const isList = parts.inForce.has(path.toLowerCase())
  const action = parts.rules === undefined ? 'keep' : actionOf(parts.rules, path.toLowerCase())
  if (action === 'hmac') return isList ? { type: 'array', items: hashed } : hashed
  const below = propertiesBelow(path, parts)
  const hasBelow = Object.keys(below.properties).length > 0
  if (action === 'drop' && !hasBelow) return undefined
  const typed = typedSchemas(parts.types?.get(path.toLowerCase()))
  const objectOrText = { anyOf: [{ type: 'object', ...below }, ...typed, TEXT] }
  if (isList) return { type: 'array', items: hasBelow ? objectOrText : oneOf([...typed, { $ref: VALUE }]) }
  if (shapes.includes('list')) return { $ref: VALUE }
  // XML shows an empty object as an empty text.
  return shapes.includes('object') ? objectOrText : oneOf([...typed, TEXT])
}

const TEXT = { type: 'string' }

/** Besides text: of values that do not fit the type, and in events from before it was set. */
const typedSchemas = (type: ValueType | undefined): readonly JsonSchema[] =>
  type === undefined ? [] : [typeRows[type].schema]

const oneOf = (schemas: readonly JsonSchema[]): JsonSchema =>
  schemas.length === 1 ? { ...schemas[0] } : { anyOf: schemas }
