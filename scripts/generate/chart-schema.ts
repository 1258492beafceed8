import * as z from 'zod'
import { runDefaults } from '../../connector/config/connector-config.ts'
import { chartValues } from './chart-values.ts'
import { type Json, type OfSecret, reference, settingsSchema } from './config-json-schema.ts'

const text = z.string()
const texts = z.record(text, text)
/** Defined by Kubernetes or Prometheus and checked by the API server. */
const foreign = z.record(text, z.unknown())
const foreignList = z.array(foreign)
const port = z.int().min(1).max(65_535)
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

/** Name of a resource of the chart; empty: the default name. */
const ownName = z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/)

const keyOf = { key: z.string().min(1) }
const keyOfSecretOrConfigMap = z.union([
  z.strictObject({ secret: name, ...keyOf }),
  z.strictObject({ configMap: name, ...keyOf }),
])
const scrapeTime = z.string().regex(/^([0-9]+(ms|s|m|h))*$/)
const monitor = z.strictObject({
  enabled: z.boolean(),
  labels: texts,
  namespace: ownName,
  interval: scrapeTime,
  scrapeTimeout: scrapeTime,
  honorLabels: z.boolean(),
  relabelings: foreignList,
  metricRelabelings: foreignList,
})

/** The chart's own values; the schema of `config` comes from the connector. */
const ownValues = z.strictObject({
  // A parent chart may set `enabled` and `global`.
  enabled: z.boolean(),
  global: z.looseObject({ imageRegistry: text, imagePullSecrets: z.array(z.union([text, foreign])) }),
  replicaCount: z.int().min(0),
  existingConfigMap: z.strictObject({ name: text, key: z.string().min(1) }),
  secretFiles: z.record(text, keyOfSecretOrConfigMap),
  caBundle: z.union([keyOfSecretOrConfigMap, z.strictObject({})]),
  image: z.strictObject({
    registry: text,
    repository: z.string().min(1),
    tag: text,
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: z.array(z.union([text, foreign])),
  nameOverride: ownName,
  fullnameOverride: ownName,
  namespaceOverride: ownName,
  commonLabels: texts,
  commonAnnotations: texts,
  serviceAccount: z.strictObject({ create: z.boolean(), name: text, annotations: texts }),
  deploymentAnnotations: texts,
  podAnnotations: texts,
  podLabels: texts,
  podSecurityContext: foreign,
  securityContext: foreign,
  resources: foreign,
  audit: z.strictObject({ schedule: text, timeZone: text, resources: foreign }),
  livenessProbe: foreign,
  startupProbe: foreign,
  readinessProbe: foreign,
  revisionHistoryLimit: z.int().min(0).nullable(),
  strategy: foreign,
  terminationGracePeriodSeconds: z.int().min(runDefaults.finishWithinMs / 1000 + 1),
  podDisruptionBudget: z.strictObject({
    enabled: z.boolean(),
    maxUnavailable: z.union([z.int().min(0), z.string().regex(/^[0-9]+%$/)]),
  }),
  topologySpreadConstraints: foreignList,
  nodeSelector: texts,
  tolerations: foreignList,
  affinity: foreign,
  priorityClassName: text,
  runtimeClassName: text,
  hostAliases: foreignList,
  dnsPolicy: text,
  dnsConfig: foreign,
  service: z.strictObject({ annotations: texts }),
  podMonitor: monitor,
  prometheusRule: z.strictObject({
    enabled: z.boolean(),
    labels: texts,
    namespace: ownName,
    noChangeFor: z.string().regex(/^[1-9][0-9]*[smhd]$/),
    runbookUrl: text,
    disabled: z.array(text),
    alertLabels: texts,
    extraRules: foreignList,
  }),
  dashboard: z.strictObject({ enabled: z.boolean(), labels: texts, namespace: ownName, annotations: texts }),
  networkPolicy: z.strictObject({
    enabled: z.boolean().nullable(),
    ingressFrom: foreignList,
    egressTo: foreignList,
    egressPorts: z.array(port),
    extraEgress: foreignList,
  }),
  extraEnv: foreignList,
  extraEnvFrom: foreignList,
  extraVolumes: foreignList,
  extraVolumeMounts: foreignList,
  extraInitContainers: foreignList,
  extraContainers: foreignList,
})

/** The JSON schema of the chart's values. Invariant 8: Helm quotes the value if `pattern` fails, but not if `const` does. */
export function chartSchema(): string {
  const own = z.toJSONSchema(ownValues, { target: 'draft-7', io: 'input' }) as Json
  const properties = { config: settingsSchema(onlyReference), ...(withoutRequired(own).properties as Json) }
  return `${JSON.stringify({ ...withoutRequired(own), properties: withDescriptions(properties) }, undefined, 2)}\n`
}

/** What may be written instead of a secret. */
const allowed = { pem: `${reference}|^/|^$`, url: '\\$\\{|^[^@]*$', other: `${reference}|^$` }

const onlyReference: OfSecret = (schema, what) => ({
  ...schema,
  if: { pattern: allowed[what] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: {},
  else: {
    const: `a reference such as \${VARIABLE}, not the secret itself: set the variable with secretFiles or extraEnv`,
  },
})

/** An unset value has its default, so nothing is required except inside unions. */
function withoutRequired(schema: Json): Json {
  const { required, properties, ...rest } = schema
  return properties === undefined ? rest : { ...rest, properties: mapValues(properties as Json, withoutRequired) }
}

function withDescriptions(properties: Json): Json {
  return chartValues().reduce((schemas, { path, description }) => described(schemas, path, description), properties)
}

function described(properties: Json, [key = '', ...rest]: readonly string[], description: string): Json {
  const schema = (properties[key] ?? {}) as Json
  const changed =
    rest.length === 0
      ? { ...schema, description }
      : { ...schema, properties: described((schema.properties ?? {}) as Json, rest, description) }
  return { ...properties, [key]: changed }
}

function mapValues(object: Json, map: (schema: Json) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, schema]) => [key, map(schema as Json)]))
}
