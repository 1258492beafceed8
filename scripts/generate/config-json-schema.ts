import { type SchemaNode, schemaTree } from '../../connector/config/setting-list.ts'

export type Json = Readonly<Record<string, unknown>>

/** Matches `${VARIABLE}`. */
export const reference = '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$'

/**
 * The JSON schema of the YAML file, for editors. Nothing is required, because the environment may supply it (`lint`
 * checks both), and `${VARIABLE}` is valid for every value.
 */
export function configJsonSchema(): string {
  return `${JSON.stringify(
    settingsSchema((schema, what) => (what === 'url' ? schema : { ...schema, writeOnly: true })),
    undefined,
    2,
  )}\n`
}

/**
 * Turns the schema of a text into that of a secret: a PEM text or its path, a URL that may have credentials, the value of
 * a header, or other.
 */
export type OfSecret = (schema: Json, what: 'pem' | 'url' | 'header' | 'other') => Json

/** The JSON schema as an object. */
export function settingsSchema(ofSecret: OfSecret): Json {
  return forEditors(schemaTree(), ofSecret)
}

function forEditors(node: SchemaNode, ofSecret: OfSecret): Json {
  const {
    kind,
    variable,
    fallback,
    pem,
    required,
    properties,
    items,
    default: preset,
    description,
    rule: _,
    ...rest
  } = node
  const about = description === undefined ? {} : { description }
  if (kind !== undefined) {
    return {
      ...about,
      ...(preset === undefined ? {} : { default: preset }),
      ...orVariable(node, { ...rest, ...(items && { items }) }, ofSecret),
    }
  }
  return {
    ...rest,
    ...about,
    ...(items && { items: forEditors(items, ofSecret) }),
    ...(properties && { properties: mapValues(properties, (child) => forEditors(child, ofSecret)) }),
  }
}

function orVariable({ kind, pem, additionalProperties: value }: SchemaNode, schema: Json, ofSecret: OfSecret): Json {
  if (value?.kind === 'secret') {
    const { kind: _, rule: __, ...header } = value
    return { ...schema, additionalProperties: ofSecret(header, 'header') }
  }
  if (schema.enum !== undefined) return { anyOf: [schema, { type: 'string', pattern: reference }] }
  if (kind === 'number' || kind === 'boolean' || kind === 'list') {
    return { ...schema, type: [schema.type, 'string'], pattern: reference }
  }
  if (kind === 'url') return ofSecret(schema, 'url')
  return kind === 'secret' ? ofSecret(schema, pem === true ? 'pem' : 'other') : schema
}

export function mapValues<Value>(object: Readonly<Record<string, Value>>, map: (value: Value) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]))
}
