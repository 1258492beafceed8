import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { connectorConfig } from '../../connector/config/connector-config.ts'
import { durationMs } from '../../connector/config/units.ts'
import { slotOf } from '../../connector/placement/slots.ts'
import { fromFile, valid } from './config/config-sources.ts'

interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly user?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly mem_limit?: string
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly privileged?: boolean
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>
  volumes: object
}
const all = Object.entries(services)
const replicas = all.filter(([name]) => name.startsWith('connector'))
const provisioned = (pattern: RegExp, file: string) => pattern.exec(read(file))?.[1]
const local = connectorConfig(valid(fromFile(read('config/local.yaml'))))

/** The image without the variable by which another takes its place. */
const imageOf = ({ image }: Service) => /^\$\{[A-Z0-9]+_IMAGE:-(.+)\}$/.exec(image)?.[1] ?? ''

test('compose.yaml has Kafka, an S3 server, a simulated Polaris, and the connector twice', () => {
  expect(Object.keys(services).toSorted()).toEqual(['connector-1', 'connector-2', 'kafka', 'polaris', 's3'])
  expect(services['connector-1']).toEqual(services['connector-2'])
  const targets = read('Dockerfile').match(/(?<=^FROM .* AS )\w+/gm)
  for (const { build } of Object.values(services)) if (build !== undefined) expect(targets).toContain(build.target)
})

test.each(all)(
  '%s has an image with a version, those that are not built here the version that the tests run on',
  (_, one) => {
    const image = imageOf(one)
    if (one.build !== undefined) return expect(image).toMatch(/^[\w-]+:local$/)
    expect(image).toMatch(/^docker\.io\/[\w./-]+:v?\d+\.\d+\.\d+$/)
  },
)

test('Kafka and the S3 server are of the versions that the tests run on', () => {
  const kafka = provisioned(/<kafka\.version>(.+)<\/kafka\.version>/, 'test/support/servers/kafka/pom.xml')
  const versitygw = provisioned(/versitygw_version=(\S+)/, 'scripts/provision.sh')
  expect(imageOf(services.kafka as Service)).toBe(`docker.io/apache/kafka:${kafka}`)
  expect(imageOf(services.s3 as Service)).toBe(`docker.io/versity/versitygw:v${versitygw}`)
})

test.each(all)('%s has no capability, gets no new privileges, and no more memory than it is given', (name, one) => {
  expect(one.cap_drop).toEqual(['ALL'])
  expect(one.security_opt).toEqual(['no-new-privileges'])
  expect(one.mem_limit).toMatch(/^(\d+m|1g)$/)
  expect(one.privileged).toBeUndefined()
  // The image of Kafka has a user of its own, those of the project too (dockerfile.test.ts).
  if (name === 's3') expect(one.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  else expect(one.user).toBeUndefined()
})

test('only Kafka writes into its own root file system, and says why', () => {
  const writable = all.filter(([, one]) => one.read_only !== true).map(([name]) => name)
  expect(writable).toEqual(['kafka'])
  expect(read('compose.yaml')).toMatch(/# .*no read-only root\.\n {2}kafka:/)
})

test('only Kafka is reached from outside, and only from this machine', () => {
  for (const [name, { ports = [] }] of all) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    if (name !== 'kafka') expect(ports).toEqual([])
  }
})

test('a replica has as long to stop as its shutdown may take, and the memory that the image is tested with', () => {
  for (const [, { stop_grace_period: grace, mem_limit: memory }] of replicas) {
    expect(durationMs(grace ?? '')).toBeGreaterThan(local.finishWithinMs)
    expect(memory).toBe('256m')
  }
})

test('the keys are plainly invented, the same on both sides, and nowhere else', () => {
  const { ROOT_ACCESS_KEY, ROOT_SECRET_KEY } = services.s3?.environment ?? {}
  for (const key of [ROOT_ACCESS_KEY, ROOT_SECRET_KEY]) expect(key).toMatch(/^local-only/)
  for (const [, { environment }] of replicas) {
    expect(environment).toEqual({ AWS_ACCESS_KEY_ID: ROOT_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: ROOT_SECRET_KEY })
  }
  expect(read('config/local.yaml')).not.toMatch(/local-only|password|secret:/i)
})

test('what must outlive a restart is in volumes that are declared, and the configuration is mounted read-only', () => {
  const mounts = all.flatMap(([, one]) => one.volumes ?? [])
  for (const mount of mounts) {
    if (mount.startsWith('./')) expect(mount).toMatch(/^\.\/config\/local\.yaml:\/etc\/[\w/.-]+:ro,z$/)
    else expect(Object.keys(volumes)).toContain(mount.split(':')[0])
  }
  expect(Object.keys(volumes).toSorted()).toEqual(['kafka', 'polaris', 's3'])
})

test('config/local.yaml is a configuration of the services of compose.yaml, with something to do for both replicas', () => {
  const { connector, streams } = local
  expect(connector).toBe('local')
  const topics = streams.map(({ kafka }) => kafka.topic.events)
  expect(new Set(topics).size).toBe(3)
  const slots = new Set(streams.map(({ name }) => slotOf(name, 24)))
  expect(slots.size).toBe(streams.length)
  const addresses = read('config/local.yaml').match(/(?<=(\/\/|\[))[\w-]+(?=:\d)/g) ?? []
  for (const host of addresses) expect(Object.keys(services)).toContain(host)
  expect(addresses.length).toBe(5)
})
