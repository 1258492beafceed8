import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../connector/config/load-config.ts'
import { chartValues } from '../../scripts/generate/chart-values.ts'
import { helm, helmVersions, type Manifest, manifests, only, rendered, someValues } from '../support/helm.ts'

const minimal = someValues()

describe('the configuration', () => {
  test('reaches the connector unchanged, including numbers and secrets', () => {
    const values = parse(readFileSync('helm/ci/full-values.yaml', 'utf8'))
    const all = manifests('4', values)
    const file = configMapOf(all)['connector.yaml']
    expect(parse(file)).toEqual(values.config)

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

  test('determines the port, the grace period, the strategy and the egress ports', () => {
    const all = manifests('4', parse(readFileSync('helm/ci/full-values.yaml', 'utf8')))
    const { spec } = only(all, 'Deployment')
    const [container] = spec.template.spec.containers
    expect(container.ports).toEqual([{ name: 'http', containerPort: 9090 }])
    expect(only(all, 'Service').spec.ports[0].port).toBe(9090)
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(65)
    const egress = only(all, 'NetworkPolicy').spec.egress[2].ports.map(({ port }: { port: number }) => port)
    expect(egress).toEqual([3443, 443, 7070, 9093, 9094, 9095])

    const proxies = [
      'http://proxy',
      'proxy.example:3128',
      'https://[::1]:8443/',
      `\${PROXY}`,
      'none',
      `http://\${A}@p:99`,
    ]
    const streams = proxies.map((proxy) => ({ polaris: { url: 'http://polaris:81', proxy } }))
    const behind = { networkPolicy: { enabled: true, egressPorts: [1] }, config: { ...minimal.config, streams } }
    const [, , rule] = only(manifests('4', someValues(behind)), 'NetworkPolicy').spec.egress
    expect(rule.ports.map(({ port }: { port: number }) => port)).toEqual([1, 3128, 443, 80, 81, 8443, 9092, 99])

    const policies = (networkPolicy: object) =>
      manifests('4', someValues({ networkPolicy })).filter(({ kind }) => kind === 'NetworkPolicy').length
    const scraped = { ingressFrom: [{ podSelector: {} }] }
    expect([{}, scraped, { ...scraped, enabled: false }, { enabled: true }].map(policies)).toEqual([0, 1, 0, 1])

    const single = manifests('4', parse(readFileSync('helm/ci/single-values.yaml', 'utf8')))
    expect(only(single, 'Deployment').spec.strategy).toEqual({ type: 'Recreate' })
  })
})

describe.each(helmVersions)('Helm %s rejects, with the reason:', (helmVersion) => {
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
    ['a Kafka password', () => withConfig({ kafka: { sasl: { password: 'hunter2' } } }), /sasl.password/],
    ['a Kafka key', () => withConfig({ kafka: { ssl: { key: '-----BEGIN hunter2' } } }), /ssl.key/],
    ['a Polaris password', () => stream({ password: 'hunter2' }), /streams.0.polaris.password/],
    ['the password of a proxy', () => stream({ proxy: 'http://u:hunter2@proxy:3128' }), /streams.0.polaris.proxy/],
    ['a Polaris user', () => stream({ user: 'hunter2' }), /streams.0.polaris.user/],
  ])('%s in config, without printing it', (_, message, place) => {
    const text = message().replaceAll('/', '.')
    expect(text).toMatch(place)
    expect(text).toContain(
      `a reference such as \${VARIABLE}, not the secret itself: set the variable with secretFiles or extraEnv`,
    )
    expect(text).not.toContain('hunter2')
  })

  test.each([
    ['a misspelled setting', () => withConfig({ kafka: { broker: ['a:1'] } }), /broker'? (is )?not allowed/],
    ['a misspelled value', () => refusal({ replicas: 2 }), /replicas'? (is )?not allowed/],
    ['a wrong choice', () => stream({ output: 'yaml' }), /one of (the following: )?["']xml["'], ["']json["']/],
    ['a number for a duration', () => withConfig({ kafka: { maxMessageBytes: 50 } }), /maxMessageBytes.*string/],
    ['a port out of range', () => withConfig({ http: { port: 70_000 } }), /port.*(65,?535|6.5535e\+04)/],
    ['text for a number', () => refusal({ replicaCount: '2' }), /replicaCount.*integer/],
    ['a tag as digest', () => refusal({ image: { digest: 'latest' } }), /digest.*pattern/],
    [
      'a name that is invalid in Kubernetes',
      () => refusal({ fullnameOverride: 'Shops_1' }),
      /fullnameOverride.*pattern/,
    ],
    ['an invalid namespace', () => refusal({ namespaceOverride: 'a.b' }), /namespaceOverride.*pattern/],
    ['a secret without a key', () => refusal({ secretFiles: { A: { secret: 'a' } } }), /secretFiles.A.*key/],
    [
      'a variable in lower case',
      () => refusal({ secretFiles: { a: { secret: 'a', key: 'b' } } }),
      /secretFiles.a must be the name of a variable/,
    ],
    [
      'a misspelled variable in secretFiles',
      () => refusal({ secretFiles: { POLARIS_PASSWRD: { secret: 'a', key: 'b' } } }),
      /secretFiles.POLARIS_PASSWRD is not a variable of the connector/,
    ],
    [
      'a misspelled variable in extraEnv',
      () => refusal({ extraEnv: [{ name: 'KAFKA_SASL_PASWORD_FILE', value: '/a' }] }),
      /extraEnv.KAFKA_SASL_PASWORD is not a variable of the connector/,
    ],
    [
      'a variable in secretFiles that nothing reads',
      () => refusal({ secretFiles: { LYON_PASSWORD: { secret: 'a', key: 'b' } } }),
      /secretFiles.LYON_PASSWORD is not a variable of the connector, and config does not use \$\{LYON_PASSWORD\}/,
    ],
    ['an image without a registry', () => refusal({ image: {} }), /image.registry is missing: set it to the registry/],
    ['no name', () => withConfig({ connector: '' }), /config.connector is missing: set a name/],
    [
      'a name from a variable',
      () => withConfig({ connector: `\${NAME}` }),
      /config.connector must be a name, not a variable/,
    ],
    [
      'a port from a variable',
      () => withConfig({ http: { port: `\${PORT}` } }),
      /config.http.port must be a number, not a variable/,
    ],
    ['any port', () => withConfig({ http: { port: 0 } }), /config.http.port must not be 0/],
    [
      'a duration from a variable',
      () => refusal({ prometheusRule: { enabled: true }, config: { streams: [{ poll: { interval: `\${A}` } }] } }),
      /must be a duration, not a variable/,
    ],
    [
      'two replicas with placement single',
      () => withConfig({ placement: { mode: 'single' } }),
      /replicaCount is 2 but .* single/,
    ],
    [
      'a grace period that is too short',
      () => refusal({ terminationGracePeriodSeconds: 50 }),
      /terminationGracePeriodSeconds.*51/,
    ],
    [
      'an AWS variable in secretFiles',
      () => refusal({ secretFiles: { AWS_A: { secret: 'a', key: 'b' } } }),
      /use extraEnv/,
    ],
    [
      'a network policy that would block unknown brokers',
      () =>
        refusal({ networkPolicy: { enabled: true }, config: { connector: 'a', kafka: { brokers: `\${BROKERS}` } } }),
      /networkPolicy.egressPorts is empty/,
    ],
  ])('%s', (_, message, expected) => {
    expect(message().replaceAll(/\s+/g, ' ')).toMatch(expected)
  })
})

test('variables that nothing in the chart knows are accepted where the configuration is not known either', () => {
  const extraEnv = [
    { name: 'NODE_OPTIONS', value: '--trace-warnings' },
    { name: 'AWS_PROFILE', value: 'a' },
  ]
  const secretFiles = { LYON_PASSWORD: { secret: 'a', key: 'b' } }
  const { env } = only(
    manifests('4', someValues({ extraEnv, secretFiles, existingConfigMap: { name: 'mine' } })),
    'Deployment',
  ).spec.template.spec.containers[0]
  expect(env.map(({ name }: { name: string }) => name)).toEqual(['LYON_PASSWORD_FILE', 'NODE_OPTIONS', 'AWS_PROFILE'])
})

test('an image without a registry is accepted if it is never pulled, or if its repository has one', () => {
  const imageOf = (image: object) =>
    only(manifests('4', someValues({ image })), 'Deployment').spec.template.spec.containers[0].image
  expect(imageOf({ pullPolicy: 'Never', tag: 'a' })).toBe('polaris-clients-connector:a')
  expect(imageOf({ repository: 'registry.example/connector', tag: 'a' })).toBe('registry.example/connector:a')
})

test.each(helmVersions)('Helm %s lints the chart without values, and says what is missing', (helmVersion) => {
  expect(helm(helmVersion, ['lint', 'helm'])).toContain('0 chart(s) failed')
})

test('monitors in another namespace still select the pods of the release', () => {
  const monitor = { enabled: true, namespace: 'monitoring' }
  const { metadata, spec } = only(manifests('4', someValues({ podMonitor: monitor })), 'PodMonitor')
  expect([metadata.namespace, spec.namespaceSelector]).toEqual(['monitoring', { matchNames: ['retail'] }])
  const values = { prometheusRule: monitor, dashboard: monitor }
  const elsewhere = manifests('4', someValues(values)).filter(({ metadata }) => metadata.namespace === 'monitoring')
  expect(elsewhere.map(({ kind }) => kind).toSorted()).toEqual(['ConfigMap', 'PrometheusRule'])
})

test.each(helmVersions)('Helm %s and the connector accept the values in the README', (helmVersion) => {
  const [, values = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('helm/README.md', 'utf8')) ?? []
  const all = manifests(helmVersion, parse(values))
  const { 'connector.yaml': file } = configMapOf(all)
  const loaded = readConfig({
    file: 'connector.yaml',
    environment: environmentOf(all),
    now: Date.now(),
    readFile: (name) => (name === 'connector.yaml' ? file : '-----BEGIN CERTIFICATE-----'),
  })
  expect(loaded.kind === 'valid' ? [] : loaded.problems).toEqual([])
})

test('values.yaml documents exactly the values of the schema', () => {
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
