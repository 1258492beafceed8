import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../connector/config/load-config.ts'
import { chartValues } from '../../scripts/generate/chart-values.ts'
import { helmVersions, type Manifest, manifests, only, rendered, someValues } from '../support/helm.ts'

const minimal = someValues()

describe('the configuration', () => {
  test('arrives at the connector as it was written, numbers and secrets included', () => {
    const values = parse(readFileSync('helm/ci/full-values.yaml', 'utf8'))
    const all = manifests('4', values)
    const file = configMapOf(all)['connector.yaml']
    expect(parse(file)).toEqual(values.config)

    const loaded = readConfig({
      file: '/etc/polaris-connector/connector.yaml',
      environment: environmentOf(all),
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
    expect(streams[0]?.polaris.tls.ca).toContain('BEGIN CERTIFICATE')
    expect(streams[0]?.polaris.codeMagasin).toBe(2_147_483_647)
  })

  test('decides the port, the time to stop, the strategy and the ports let out', () => {
    const all = manifests('4', parse(readFileSync('helm/ci/full-values.yaml', 'utf8')))
    const { spec } = only(all, 'Deployment')
    const [container] = spec.template.spec.containers
    expect(container.ports).toEqual([{ name: 'http', containerPort: 9090 }])
    expect(only(all, 'Service').spec.ports[0].port).toBe(9090)
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(120 + 15)
    const egress = only(all, 'NetworkPolicy').spec.egress[2].ports.map(({ port }: { port: number }) => port)
    expect(egress).toEqual([3443, 443, 7070, 9093, 9094, 9095])

    const single = manifests('4', parse(readFileSync('helm/ci/single-values.yaml', 'utf8')))
    expect(only(single, 'Deployment').spec.strategy).toEqual({ type: 'Recreate' })
  })

  test.each([
    ['500ms', 1],
    ['1ms', 1],
    ['90s', 90],
    ['2m', 120],
    ['1h', 3600],
    ['1d', 86_400],
  ])('a stop that may take %s has %i seconds and 15 more', (finishWithin, seconds) => {
    const values = someValues({ config: { ...minimal.config, shutdown: { finishWithin } } })
    const { spec } = only(manifests('4', values), 'Deployment')
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(seconds + 15)
  })
})

describe.each(helmVersions)('Helm %s refuses, and says why:', (helmVersion) => {
  const refusal = (values: object) => {
    try {
      rendered(helmVersion, someValues(values))
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('it was accepted')
  }
  const withConfig = (config: object) => refusal({ config: { ...minimal.config, ...config } })
  const stream = (polaris: object) => withConfig({ streams: [{ polaris }] })

  test.each([
    ['a password of Kafka', () => withConfig({ kafka: { sasl: { password: 'hunter2' } } }), /sasl.password/],
    ['a key of Kafka', () => withConfig({ kafka: { ssl: { key: '-----BEGIN hunter2' } } }), /ssl.key/],
    ['a password of Polaris', () => stream({ password: 'hunter2' }), /streams.0.polaris.password/],
    ['a user of Polaris', () => stream({ user: 'hunter2' }), /streams.0.polaris.user/],
  ])('%s in config, without repeating it', (_, message, place) => {
    const text = message().replaceAll('/', '.')
    expect(text).toMatch(place)
    expect(text).toContain(
      `a reference like \${VARIABLE}, since a secret has no place here: fill it by secretFiles or extraEnv`,
    )
    expect(text).not.toContain('hunter2')
  })

  test.each([
    ['a misspelled setting', () => withConfig({ kafka: { broker: ['a:1'] } }), /broker'? (is )?not allowed/],
    ['a misspelled value', () => refusal({ replicas: 2 }), /replicas'? (is )?not allowed/],
    ['a wrong choice', () => stream({ output: 'yaml' }), /one of (the following: )?["']xml["'], ["']json["']/],
    ['a number for a duration', () => withConfig({ shutdown: { finishWithin: 50 } }), /finishWithin.*string/],
    ['a port out of range', () => withConfig({ http: { port: 70_000 } }), /port.*(65,?535|6.5535e\+04)/],
    ['text for a number', () => refusal({ replicaCount: '2' }), /replicaCount.*integer/],
    ['a tag as digest', () => refusal({ image: { digest: 'latest' } }), /digest.*pattern/],
    [
      'a name that Kubernetes takes for none',
      () => refusal({ fullnameOverride: 'Shops_1' }),
      /fullnameOverride.*pattern/,
    ],
    ['a namespace that is none', () => refusal({ namespaceOverride: 'a.b' }), /namespaceOverride.*pattern/],
    ['a secret without key', () => refusal({ secretFiles: { A: { secret: 'a' } } }), /secretFiles.A.*key/],
    [
      'a variable in lower case',
      () => refusal({ secretFiles: { a: { secret: 'a', key: 'b' } } }),
      /secretFiles.a is no variable/,
    ],
    ['no name', () => withConfig({ connector: '' }), /config.connector is missing: name the connector/],
    ['a name from a variable', () => withConfig({ connector: `\${NAME}` }), /config.connector must be written out/],
    [
      'a port from a variable',
      () => withConfig({ http: { port: `\${PORT}` } }),
      /config.http.port must be written out/,
    ],
    ['any port', () => withConfig({ http: { port: 0 } }), /config.http.port is 0/],
    ['a loopback address', () => withConfig({ http: { host: '127.0.0.1' } }), /the kubelet cannot ask there/],
    ['a duration from a variable', () => withConfig({ shutdown: { finishWithin: `\${A}` } }), /write it out/],
    ['two single processes', () => withConfig({ placement: { mode: 'single' } }), /replicaCount is 2 but .* single/],
    [
      'too little time',
      () => refusal({ terminationGracePeriodSeconds: 50 }),
      /must be longer than .*finishWithin \(50s\)/,
    ],
    ['a file for AWS', () => refusal({ secretFiles: { AWS_A: { secret: 'a', key: 'b' } } }), /use extraEnv/],
    [
      'a network policy that would cut off unknown brokers',
      () =>
        refusal({ networkPolicy: { enabled: true }, config: { connector: 'a', kafka: { brokers: `\${BROKERS}` } } }),
      /networkPolicy.egressPorts is empty/,
    ],
    [
      'two monitors',
      () => refusal({ serviceMonitor: { enabled: true }, podMonitor: { enabled: true } }),
      /count everything twice: enable one/,
    ],
  ])('%s', (_, message, expected) => {
    expect(message().replaceAll(/\s+/g, ' ')).toMatch(expected)
  })
})

test.each(helmVersions)('the values in the README are accepted by Helm %s, and by the connector', (helmVersion) => {
  const [, values = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('helm/README.md', 'utf8')) ?? []
  const all = manifests(helmVersion, parse(values))
  const { 'connector.yaml': file } = configMapOf(all)
  const loaded = readConfig({
    file: 'connector.yaml',
    environment: environmentOf(all),
    readFile: (name) => (name === 'connector.yaml' ? file : '-----BEGIN CERTIFICATE-----'),
  })
  expect(loaded.kind === 'valid' ? [] : loaded.problems).toEqual([])
})

test('every value of the schema is documented in values.yaml, and every documented one is in the schema', () => {
  const schema = JSON.parse(readFileSync('helm/values.schema.json', 'utf8'))
  const documented = new Set(chartValues().map(({ path }) => path[0]))
  const known = Object.keys(schema.properties).filter((key) => !['enabled', 'global'].includes(key))
  expect(known.toSorted()).toEqual([...documented].toSorted())
})

const configMapOf = (all: readonly Manifest[]) =>
  all.find(({ kind, data }) => kind === 'ConfigMap' && data?.['connector.yaml'])?.data as { 'connector.yaml': string }

function environmentOf(all: readonly Manifest[]): Record<string, string> {
  const [container] = only(all, 'Deployment').spec.template.spec.containers
  const plain = container.env.filter(({ value }: { value?: string }) => value !== undefined)
  return Object.fromEntries(plain.map(({ name, value }: { name: string; value: string }) => [name, value]))
}
