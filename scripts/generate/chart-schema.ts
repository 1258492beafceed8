import { runDefaults } from '../../connector/config/connector-config.ts'
import { type ChartValue, chartValues } from './chart-values.ts'
import { type Json, type OfSecret, reference, settingsSchema } from './config-json-schema.ts'

/** Shorter than the connector's own deadline, a pod would be killed in the middle of a page. */
const limits: Readonly<Record<string, Json>> = {
  terminationGracePeriodSeconds: { minimum: runDefaults.finishWithinMs / 1000 + 1 },
}
/** A parent chart may set them. */
const ofParent = { enabled: { type: 'boolean' }, global: { type: 'object' } }

/**
 * The JSON schema of the chart's values: `config` comes from the connector; of the others, names and types of
 * `helm/values.yaml`. Kubernetes checks the rest.
 */
export function chartSchema(): string {
  const own = chartValues().reduce<Json>(withValue, { ...ofParent, config: settingsSchema(onlyReference) })
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...strict(own) }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

const strict = (properties: Json): Json => ({ type: 'object', properties, additionalProperties: false })

function withValue(properties: Json, { path: [key = '', ...rest], default: preset, description }: ChartValue): Json {
  const schema = (properties[key] ?? {}) as Json
  const changed =
    rest.length === 0
      ? { description, ...typed(preset), ...limits[key], ...schema }
      : strict(withValue((schema.properties ?? {}) as Json, { path: rest, default: preset, description }))
  return { ...properties, [key]: changed }
}

function typed(value: unknown): Json {
  if (Array.isArray(value)) return { type: 'array' }
  return { type: typeof value === 'number' ? 'integer' : typeof value }
}

/** What may be written instead of a secret. */
const allowed = { pem: `${reference}|^/|^$`, url: '\\$\\{|^[^@]*$', other: `${reference}|^$` }

/** Invariant 8: Helm quotes the value if `pattern` fails, but not if `const` does. */
const onlyReference: OfSecret = (schema, what) => ({
  ...schema,
  if: { pattern: allowed[what] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: {},
  else: {
    const: `a reference such as \${VARIABLE}, not the secret itself: set the variable with secretFiles or extraEnv`,
  },
})
