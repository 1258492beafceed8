import { type SchemaNode, schemaTree } from '../connector/config/setting-list.ts'

type Json = Readonly<Record<string, unknown>>

const reference = '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$'

/**
 * The JSON schema of the YAML file, for editors and charts. Nothing is required in it, since the environment may supply the rest
 * (`lint` sees both), and `${VARIABLE}` may stand for every value.
 */
export function configJsonSchema(): string {
  return `${JSON.stringify(forEditors(schemaTree()), undefined, 2)}\n`
}

function forEditors(node: SchemaNode): Json {
  const { kind, variable, fallback, pem, required, properties, items, default: preset, description, ...rest } = node
  const about = description === undefined ? {} : { description: described(description, variable) }
  if (kind !== undefined) {
    return {
      ...about,
      ...(preset === undefined ? {} : { default: preset }),
      ...orVariable(node, { ...rest, ...(items && { items }) }),
    }
  }
  return {
    ...rest,
    ...about,
    ...(items && { items: forEditors(items) }),
    ...(properties && { properties: mapValues(properties, forEditors) }),
  }
}

const described = (description: string, variable: string | undefined) =>
  variable === undefined ? description : `${description} (${variable})`

function orVariable({ kind }: SchemaNode, schema: Json): Json {
  if (schema.enum !== undefined) return { anyOf: [schema, { type: 'string', pattern: reference }] }
  if (kind === 'number' || kind === 'boolean' || kind === 'list') {
    return { ...schema, type: [schema.type, 'string'], pattern: reference }
  }
  return kind === 'secret' ? { ...schema, writeOnly: true } : schema
}

function mapValues(object: Readonly<Record<string, SchemaNode>>, map: (node: SchemaNode) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, node]) => [key, map(node)]))
}
