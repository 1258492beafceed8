import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { runDefaults } from '../../connector/config/connector-config.ts'
import { type Json, mapValues, type OfSecret, reference, settingsSchema } from './config-json-schema.ts'

const text = readFileSync(new URL('../../helm/values.yaml', import.meta.url), 'utf8')

/** Of each key in a group, `helm/values.yaml` says what it means. Other maps may have any key. */
const groups = new Set([...text.matchAll(/^(\w+):\n {2}# -- /gm)].map(([, key]) => key))

const strict = (properties: Json): Json => ({ type: 'object', properties, additionalProperties: false })

/** One key of a Secret or of a ConfigMap. */
const keyOfObject = strict({ secret: { type: 'string' }, configMap: { type: 'string' }, key: { type: 'string' } })
const ofOneObject = [{ required: ['secret', 'key'] }, { required: ['configMap', 'key'] }]

/** What the names and types of `helm/values.yaml` do not say. */
const known: Json = {
  // A parent chart may set them.
  enabled: { type: 'boolean' },
  global: { type: 'object' },
  // With less, a pod would be killed in the middle of a page.
  terminationGracePeriodSeconds: { type: 'integer', minimum: runDefaults.finishWithinMs / 1000 + 1 },
  secretFiles: {
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
    additionalProperties: { ...keyOfObject, oneOf: ofOneObject },
  },
  caBundle: { ...keyOfObject, oneOf: [{ maxProperties: 0 }, ...ofOneObject] },
}

/** The same for values in groups. */
const knownInGroups: Readonly<Record<string, Json>> = {
  // Five fields, or a word such as `@weekly`.
  audit: { schedule: { type: 'string', pattern: '^$|^@[a-z]+$|^[0-9A-Za-z*/,?#-]+( +[0-9A-Za-z*/,?#-]+){4}$' } },
}

/** The JSON schema of the chart's values. That of `config` is the connector's; what is in other maps, Kubernetes checks. */
export function chartSchema(): string {
  const values = Object.entries(parse(text) as Json).map(([key, value]) => [
    key,
    groups.has(key) ? strict({ ...mapValues(value as Json, typed), ...knownInGroups[key] }) : typed(value),
  ])
  const properties = { ...Object.fromEntries(values), ...known, config: settingsSchema(onlyReference) }
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...strict(properties) }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

function typed(value: unknown): Json {
  if (Array.isArray(value)) return { type: 'array' }
  return { type: typeof value === 'number' ? 'integer' : typeof value }
}

/** What may be written instead of a secret. */
const allowed = { pem: `${reference}|^/|^$`, url: '\\$\\{|^[^@]*$', header: '\\$\\{', other: `${reference}|^$` }

/** Invariant 8: Helm quotes the value if `pattern` fails, but not if `const` does. */
const onlyReference: OfSecret = (schema, what) => ({
  ...schema,
  if: { type: 'string', pattern: allowed[what] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: {},
  else: {
    const: `a reference such as \${VARIABLE}, not the secret itself: set the variable with secretFiles or extraEnv`,
  },
})
