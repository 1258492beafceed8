import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { durationMs } from '../../../connector/config/setting-checks.ts'
import { slotOf } from '../../../connector/kafka/group/sticky-assigner.ts'
import { fromFile, valid } from '../config/config-sources.ts'

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

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>
  volumes: object
}
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

test('the status page of each replica has a port of its own on this machine', () => {
  const hostPorts = replicas.map(([, { ports = [] }]) => {
    expect(ports).toEqual([expect.stringMatching(new RegExp(`:${local.http.port}$`))])
    return /^127\.0\.0\.1:\$\{HTTP_PORT_\d:-(\d+)\}:/.exec(ports[0] ?? '')?.[1]
  })
  expect(hostPorts).not.toContain(undefined)
  expect(new Set(hostPorts).size).toBe(replicas.length)
  const page = read('docs/getting-started.md')
  for (const port of hostPorts) expect(page).toContain(`http://localhost:${port}/`)
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

test.each(all)(
  '%s has no capabilities, cannot gain privileges, has a memory limit and is not root',
  (name, service) => {
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges'])
    expect(service.mem_limit).toBeDefined()
    expect(service.privileged).toBeUndefined()
    // The Kafka image and the images of this project (dockerfile.test.ts) have a user other than root.
    const isNotRootByDefault = service.build !== undefined || name === 'kafka'
    if (!isNotRootByDefault || service.user !== undefined) expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  },
)

test('every service but Kafka has a read-only root file system', () => {
  const writable = all.filter(([, service]) => service.read_only !== true).map(([name]) => name)
  expect(writable).toEqual(['kafka'])
})

test('every published port is reachable only from this machine', () => {
  for (const port of all.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test('a replica may take as long to stop as its shutdown, and has the memory that the image is tested with', () => {
  const tested = /'--memory',\s*'(\w+)'/.exec(read('test/support/containers/connector-container.ts'))?.[1]
  for (const [, { stop_grace_period: grace, mem_limit: memory }] of replicas) {
    expect(durationMs(grace ?? '')).toBeGreaterThan(local.finishWithinMs)
    expect(memory).toBe(tested)
  }
})

test('the S3 keys are visibly invented, equal on both sides, and not in the configuration', () => {
  const { ROOT_ACCESS_KEY, ROOT_SECRET_KEY } = services.s3?.environment ?? {}
  for (const key of [ROOT_ACCESS_KEY, ROOT_SECRET_KEY]) expect(key).toMatch(/^local-only/)
  for (const [, { environment }] of replicas) {
    expect(environment).toEqual({ AWS_ACCESS_KEY_ID: ROOT_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: ROOT_SECRET_KEY })
  }
  expect(read('config/local.yaml')).not.toMatch(/local-only|password|secret:/i)
})

test('files are mounted read-only, and the declared volumes are exactly those in use', () => {
  const mounts = all.flatMap(([, service]) => service.volumes ?? [])
  const isFile = (mount: string) => mount.startsWith('./')
  for (const mount of mounts.filter(isFile)) expect(mount).toMatch(/:ro(,z)?$/)
  const used = new Set(mounts.filter((mount) => !isFile(mount)).map((mount) => mount.split(':')[0]))
  expect([...used].toSorted()).toEqual(Object.keys(volumes).toSorted())
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
