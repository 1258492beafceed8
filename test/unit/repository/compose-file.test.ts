import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { durationMs } from '../../../connector/config/setting-checks.ts'
import { slotOf } from '../../../connector/kafka/group/sticky-assigner.ts'
import { fromFile, valid } from '../config/config-sources.ts'

// The file is parsed and compared with the Dockerfile and the settings.

interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly ports?: readonly string[]
  readonly stop_grace_period?: string
}

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> }
const all = Object.entries(services)
const replicas = all.filter(([name]) => name.startsWith('connector'))
const provisioned = (pattern: RegExp, file: string) => pattern.exec(read(file))?.[1]
const local = connectorConfig(valid(fromFile(read('config/local.yaml'))))

/** The default image, without the variable that can replace it. */
const imageOf = ({ image }: Service) => /^\$\{[A-Z0-9]+_IMAGE:-(.+)\}$/.exec(image)?.[1] ?? ''

test('all replicas of the connector are configured alike, and there are at least two', () => {
  expect(replicas.length).toBeGreaterThanOrEqual(2)
  const withoutPorts = replicas.map(([, { ports: _, ...replica }]) => replica)
  for (const replica of withoutPorts) expect(replica).toEqual(withoutPorts[0])
})

test.each(all)('%s builds a target of the Dockerfile, or has an image pinned to a full version', (_, service) => {
  const targets = read('Dockerfile').match(/(?<=^FROM .* AS )\w+/gm)
  if (service.build !== undefined) expect(targets).toContain(service.build.target)
  else expect(imageOf(service)).toMatch(/^docker\.io\/[\w./-]+:v?\d+\.\d+\.\d+$/)
})

test('Kafka and the S3 server have the versions that the tests run on', () => {
  const kafka = provisioned(/<kafka\.version>(.+)<\/kafka\.version>/, 'test/support/servers/kafka/pom.xml')
  const versitygw = provisioned(/versitygw_version=(\S+)/, 'scripts/provision.sh')
  expect(imageOf(services.kafka as Service)).toBe(`docker.io/apache/kafka:${kafka}`)
  expect(imageOf(services.s3 as Service)).toBe(`docker.io/versity/versitygw:v${versitygw}`)
})

test('every published port is reachable only from this machine', () => {
  for (const port of all.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test('a replica may take as long to stop as its shutdown', () => {
  for (const [, { stop_grace_period: grace }] of replicas)
    expect(durationMs(grace ?? '')).toBeGreaterThan(local.finishWithinMs)
})

test('config/local.yaml names only services of compose.yaml, and gives each replica a stream to run', () => {
  const { streams, placement } = local
  const slots = placement.mode === 'group' ? (placement.create?.partitions ?? 0) : 0
  expect(streams.length).toBeGreaterThanOrEqual(replicas.length)
  expect(new Set(streams.map(({ kafka }) => kafka.topic.events)).size).toBe(streams.length)
  expect(new Set(streams.map(({ name }) => slotOf(name, slots))).size).toBe(streams.length)
  const hosts = read('config/local.yaml').match(/(?<=(\/\/|\[))[\w-]+(?=:\d)/g) ?? []
  expect(hosts).not.toEqual([])
  for (const host of hosts) expect(Object.keys(services)).toContain(host)
})
