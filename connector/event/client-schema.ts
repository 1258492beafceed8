import { CONTRACT_MAJOR } from './client-event.ts'
import { type JsonSchema, schemaHeader, sharedSchemas } from './event-schema.ts'
import { actionOf, type FieldRules } from './field-rules.ts'

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
}

const VALUE = '#/$defs/value'
const hashed = { description: 'HMAC-SHA-256, base64url; an empty text stays empty.', type: 'string' }

/** The JSON Schema of the clients of one stream, with the names of the fields that were seen so far. */
export function clientSchema({ source, fields, lists, rules }: KnownClients): JsonSchema {
  const { client, value } = sharedSchemas('#/$defs/')
  const inForce = new Set(lists.map((path) => path.toLowerCase()))
  const parts = { fields, inForce, rules }
  return {
    ...schemaHeader,
    $id: `urn:polaris-connector:client.modified:${CONTRACT_MAJOR}:${source.split('/').slice(2).join(':')}`,
    ...client,
    ...propertiesBelow(undefined, parts),
    $defs: { value },
  }
}

interface SchemaParts extends Pick<KnownClients, 'fields' | 'rules'> {
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
  if (isList) return { type: 'array', items: hasBelow ? objectOrText(below) : { $ref: VALUE } }
  if (shapes.includes('list')) return { $ref: VALUE }
  return shapes.includes('object') ? objectOrText(below) : { type: 'string' }
}

/** XML shows an empty object as an empty text. */
const objectOrText = (below: ReturnType<typeof propertiesBelow>): JsonSchema => ({
  anyOf: [{ type: 'object', ...below }, { type: 'string' }],
})
