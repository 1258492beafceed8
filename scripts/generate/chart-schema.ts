import * as z from 'zod'
import { chartValues } from './chart-values.ts'
import { type Json, type OfSecret, reference, settingsSchema } from './config-json-schema.ts'

const text = z.string()
const texts = z.record(text, text)
/** What Kubernetes or Prometheus defines, and the API server checks. */
const theirs = z.record(text, z.unknown())
const theirList = z.array(theirs)
const port = z.int().min(1).max(65_535)
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

/** Of what the chart makes; empty: the chart's own choice. */
const ownName = z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/)

const keyOf = { key: z.string().min(1) }
const keyOfSecretOrConfigMap = z.union([
  z.strictObject({ secret: name, ...keyOf }),
  z.strictObject({ configMap: name, ...keyOf }),
])
const monitor = z.strictObject({
  enabled: z.boolean(),
  labels: texts,
  interval: z.string().regex(/^([0-9]+(ms|s|m|h))*$/),
  relabelings: theirList,
  metricRelabelings: theirList,
})

/** The chart's own values; `config` is the connector's. */
const ownValues = z.strictObject({
  // A parent chart may pass these two.
  enabled: z.boolean(),
  global: z.looseObject({ imageRegistry: text, imagePullSecrets: z.array(z.union([text, theirs])) }),
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
  imagePullSecrets: z.array(z.union([text, theirs])),
  nameOverride: ownName,
  fullnameOverride: ownName,
  namespaceOverride: ownName,
  commonLabels: texts,
  commonAnnotations: texts,
  serviceAccount: z.strictObject({ create: z.boolean(), name: text, annotations: texts }),
  podAnnotations: texts,
  podLabels: texts,
  podSecurityContext: theirs,
  securityContext: theirs,
  resources: theirs,
  livenessProbe: theirs,
  startupProbe: theirs,
  readinessProbe: theirs,
  strategy: theirs,
  terminationGracePeriodSeconds: z.int().min(1).nullable(),
  podDisruptionBudget: z.strictObject({
    enabled: z.boolean(),
    maxUnavailable: z.union([z.int().min(0), z.string().regex(/^[0-9]+%$/)]),
  }),
  topologySpreadConstraints: theirList,
  nodeSelector: texts,
  tolerations: theirList,
  affinity: theirs,
  priorityClassName: text,
  runtimeClassName: text,
  hostAliases: theirList,
  dnsPolicy: text,
  dnsConfig: theirs,
  service: z.strictObject({ annotations: texts }),
  serviceMonitor: monitor,
  podMonitor: monitor,
  prometheusRule: z.strictObject({
    enabled: z.boolean(),
    labels: texts,
    runbookUrl: text,
    disabled: z.array(text),
    alertLabels: texts,
    extraRules: theirList,
  }),
  dashboard: z.strictObject({ enabled: z.boolean(), labels: texts, annotations: texts }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    ingressFrom: theirList,
    egressTo: theirList,
    egressPorts: z.array(port),
    extraEgress: theirList,
  }),
  extraEnv: theirList,
  extraEnvFrom: theirList,
  extraVolumes: theirList,
  extraVolumeMounts: theirList,
  extraInitContainers: theirList,
  extraContainers: theirList,
  extraObjects: z.array(z.union([text, theirs])),
})

/** The JSON schema of the chart's values. A message of Helm must not quote a secret, which `pattern` would do and `const` does not. */
export function chartSchema(): string {
  const own = z.toJSONSchema(ownValues, { target: 'draft-7', io: 'input' }) as Json
  const properties = { config: settingsSchema(referenceAlone), ...(withoutRequired(own).properties as Json) }
  return `${JSON.stringify({ ...withoutRequired(own), properties: withDescriptions(properties) }, undefined, 2)}\n`
}

const referenceAlone: OfSecret = (schema, isPem) => ({
  ...schema,
  if: { pattern: isPem ? `${reference}|^/|^$` : `${reference}|^$` },
  // biome-ignore lint/suspicious/noThenProperty: a word of JSON schema
  then: {},
  else: {
    const: `a reference like \${VARIABLE}, since a secret has no place here: fill it by secretFiles or extraEnv`,
  },
})

/** A value that is not set has its default: nothing is required but what a part of a union consists of. */
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
