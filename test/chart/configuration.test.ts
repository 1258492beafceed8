import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../connector/config/load-config.ts'
import { settingList } from '../../connector/config/setting-list.ts'
import {
  examples,
  full,
  type HelmVersion,
  helmVersions,
  type Manifest,
  manifests,
  only,
  rendered,
  someValues,
} from '../support/helm.ts'

// Helm renders the chart for each example; the connector then reads the configuration that it has rendered.

const minimal = someValues()

describe('the configuration', () => {
  test('reaches the connector unchanged, including numbers and secrets', () => {
    const all = manifests(full)
    const file = configMapOf(all)['connector.yaml']
    expect(parse(file)).toEqual(full.config)

    const loaded = readConfig({
      file: '/etc/polaris-connector/connector.yaml',
      environment: environmentOf(all),
      now: Date.now(),
      readFile: (name) => {
        if (name === '/etc/polaris-connector/connector.yaml') return file
        if (/_SSL_|_CA$/.test(name)) return '-----BEGIN CERTIFICATE-----'
        return `content of ${name}`
      },
    })
    if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded.problems))
    const { kafka, streams } = loaded.settings
    expect(kafka.sasl.password?.reveal()).toBe('content of /run/secrets/polaris-connector/KAFKA_SASL_PASSWORD')
    expect(streams[0]?.polaris.password?.reveal()).toBe('content of /run/secrets/polaris-connector/PARIS_PASSWORD')
    expect(streams[0]?.polaris.tls.ca?.reveal()).toContain('BEGIN CERTIFICATE')
    expect(streams[0]?.polaris.codeMagasin).toBe(2_147_483_647)
  })

  test("determines the port and the strategy; the default port is the connector's", () => {
    const all = manifests(full)
    const portOf = (every: readonly Manifest[]) => only(every, 'Deployment').spec.template.spec.containers[0].ports
    expect(portOf(all)).toEqual([{ name: 'http', containerPort: 9090 }])
    expect(only(all, 'Service').spec.ports[0].port).toBe(9090)
    const preset = settingList().find(({ path }) => path.join('.') === 'http.port')?.default
    expect(portOf(manifests(minimal))).toEqual([{ name: 'http', containerPort: preset }])

    const single = manifests(examples.get('single-values.yaml') ?? {})
    expect(only(single, 'Deployment').spec.strategy).toEqual({ type: 'Recreate' })
  })

  test('limits egress only to what it is given', () => {
    const policy = (networkPolicy: object) =>
      only(manifests(someValues({ networkPolicy: { enabled: true, ...networkPolicy } })), 'NetworkPolicy').spec
    expect(policy({}).policyTypes).toEqual(['Ingress'])
    const given = { ports: [{ port: 9092 }] }
    expect(policy({ egress: [given] })).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
    expect(policy({ egress: [given] }).egress.at(-1)).toEqual(given)
  })
})

const refusal = (values: object, version: HelmVersion = '4') => {
  try {
    rendered(someValues(values), [], version)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was accepted')
}
const withConfig = (config: object, version?: HelmVersion) =>
  refusal({ config: { ...minimal.config, ...config } }, version)

test.each(helmVersions)('Helm %s rejects a secret in config, without printing it', (version) => {
  for (const [config, place] of [
    [{ kafka: { sasl: { password: 'hunter2' } } }, /sasl.password/],
    [{ kafka: { ssl: { key: '-----BEGIN hunter2' } } }, /ssl.key/],
    [{ streams: [{ polaris: { user: 'hunter2' } }] }, /streams.0.polaris.user/],
    [{ streams: [{ polaris: { proxy: 'http://u:hunter2@proxy:3128' } }] }, /streams.0.polaris.proxy/],
    [{ streams: [{ polaris: { headers: { 'X-Key': 'hunter2' } } }] }, /streams.0.polaris.headers.X-Key/],
    [{ streams: [{ polaris: { headers: { 'X-Key': 1234 } } }] }, /streams.0.polaris.headers.X-Key/],
  ] as const) {
    const text = withConfig(config, version).replaceAll('/', '.')
    expect(text).toMatch(place)
    expect(text).toContain(
      `a reference such as \${VARIABLE}, not the secret itself: set the variable with secretFiles or extraEnv`,
    )
    expect(text).not.toContain('hunter2')
  }
})

test.each([
  ['a misspelled setting', () => withConfig({ kafka: { broker: ['a:1'] } }), /broker'? (is )?not allowed/],
  ['a misspelled value', () => refusal({ replicas: 2 }), /replicas'? (is )?not allowed/],
  ['a number for a duration', () => withConfig({ kafka: { maxMessageBytes: 50 } }), /maxMessageBytes.*string/],
  ['text for a number', () => refusal({ replicaCount: '2' }), /replicaCount.*integer/],
  ['no name', () => withConfig({ connector: '' }), /config.connector is missing: set a name/],
  [
    'a duration from a variable',
    () => refusal({ prometheusRule: { enabled: true }, config: { streams: [{ poll: { interval: `\${A}` } }] } }),
    /must be a duration, not a variable/,
  ],
  [
    'two replicas with placement single',
    () => withConfig({ placement: { mode: 'single' } }),
    /placement.mode is single/,
  ],
  ['a name in capitals', () => withConfig({ connector: 'Shops' }), /connector.*pattern/],
  ['a stream name with a dot', () => withConfig({ streams: [{ name: 'a.b' }] }), /streams.0.name.*pattern/],
  [
    'a beginning in French',
    () => withConfig({ streams: [{ polaris: { lastChanged: '31/01/2026' } }] }),
    /streams.0.polaris.lastChanged.*pattern/,
  ],
  ['a stream without content', () => withConfig({ streams: [null] }), /streams.0.*null.*object/],
  [
    'a misspelled key of a Secret',
    () => refusal({ secretFiles: { POLARIS_USER: { secrt: 'polaris', key: 'user' } } }),
    /secretFiles.POLARIS_USER.*secrt'? (is )?not allowed/,
  ],
  ['a Secret without a key', () => refusal({ secretFiles: { A: { secret: 'polaris' } } }), /secretFiles.A.*key/],
  ['an empty entry', () => refusal({ secretFiles: { A: null } }), /secretFiles.A.*null.*object/],
  [
    'a variable with a hyphen',
    () => refusal({ secretFiles: { 'A-B': { secret: 's', key: 'k' } } }),
    /propertyName 'A-B'/,
  ],
  ['a CA without a name', () => refusal({ caBundle: { key: 'ca.crt' } }), /caBundle/],
  ['a schedule that is none', () => refusal({ audit: { schedule: 'every night' } }), /audit.schedule.*pattern/],
  [
    'a directory for two replicas',
    () => withConfig({ checkpoint: { url: 'file:/data' } }),
    /checkpoint.url is a directory in the pod, .*: use s3:, set replicaCount: 1/,
  ],
  [
    'a grace period that is too short',
    () => refusal({ terminationGracePeriodSeconds: 50 }),
    /terminationGracePeriodSeconds.*51/,
  ],
])('%s is rejected, with the reason', (_, message, expected) => {
  expect(message().replaceAll('/', '.').replaceAll(/\s+/g, ' ')).toMatch(expected)
})

test('Helm and the connector accept the values in the README', () => {
  const [, values = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('helm/README.md', 'utf8')) ?? []
  const all = manifests(parse(values))
  const { 'connector.yaml': file } = configMapOf(all)
  const loaded = readConfig({
    file: 'connector.yaml',
    environment: environmentOf(all),
    now: Date.now(),
    readFile: (name) => (name === 'connector.yaml' ? file : '-----BEGIN CERTIFICATE-----'),
  })
  expect(loaded.kind === 'valid' ? [] : loaded.problems).toEqual([])
})

test('values.yaml says what each value of the schema means', () => {
  const { properties } = JSON.parse(readFileSync('helm/values.schema.json', 'utf8'))
  const { enabled, global, config, ...own } = properties as Record<string, { readonly properties?: object }>
  const keysOf = (group: object) => ('secret' in group ? ['itself'] : Object.keys(group))
  const values = Object.values(own).flatMap(({ properties: group }) => keysOf(group ?? { itself: {} }))
  expect(readFileSync('helm/values.yaml', 'utf8').match(/^ *# -- /gm)).toHaveLength(values.length + 1) // and config
})

const configMapOf = (all: readonly Manifest[]) =>
  all.find(({ kind, data }) => kind === 'ConfigMap' && data?.['connector.yaml'])?.data as { 'connector.yaml': string }

function environmentOf(all: readonly Manifest[]): Record<string, string> {
  const [container] = only(all, 'Deployment').spec.template.spec.containers
  const plain = container.env.filter(({ value }: { value?: string }) => value !== undefined)
  return Object.fromEntries(plain.map(({ name, value }: { name: string; value: string }) => [name, value]))
}
