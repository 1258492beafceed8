import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Certificates, makeCertificates } from './certificates.ts'
import { freePort } from './free-port.ts'
import { type BrokerPorts, brokerProperties, type ProxiedPorts, saslUser, scramArguments } from './kafka-properties.ts'
import { brokersSeenBy } from './kafka-wire.ts'
import { type ServerProcess, startProcess, untilServing } from './server-process.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface KafkaOptions {
  readonly brokers?: 1 | 3
  /** Adds a SASL_SSL listener, one that requires client certificates, and an authorizer that denies by default. */
  readonly secure?: true
  /** Number of proxied routes to the cluster (`true`: 1). Each has a fault-injecting proxy per broker. */
  readonly proxied?: true | number
  /** Additional broker properties. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kept on close, and reused by the next start. Default: a temporary directory, removed on close. */
  readonly dataDirectory?: string
  readonly javaOptions?: readonly string[]
}

export interface KafkaCluster {
  /** The plain listeners, comma-separated. Their clients may do everything. */
  readonly bootstrap: string
  /** The bootstrap and the proxies of the first route; without routes, the plain bootstrap. */
  readonly proxiedBootstrap: string
  readonly proxies: readonly TcpProxy[]
  /** As many as `proxied` requests. */
  readonly routes: readonly KafkaRoute[]
  /** The secure listeners, when `secure`. */
  readonly secure: SecureListeners | undefined
  /** Starts broker `id` (1, 2, 3) again and waits until it sees every running broker. */
  start(id: number): Promise<void>
  /** Sends SIGTERM, and waits until the broker has moved its leaders and exited. */
  stop(id: number, killAfterMs?: number): Promise<void>
  /** Sends SIGKILL, and waits until the broker has exited. */
  kill(id: number): Promise<void>
  close(): Promise<void>
}

/** A route to the cluster. Clients that bootstrap here use only these proxies, so faults affect no other route. */
export interface KafkaRoute {
  readonly bootstrap: string
  /** One proxy per broker. */
  readonly proxies: readonly TcpProxy[]
}

export interface SecureListeners {
  /** SASL_SSL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. */
  readonly bootstrap: string
  /** SSL that requires a client certificate. */
  readonly mutualBootstrap: string
  /** Of the controllers, which serve no clients. */
  readonly controllers: string
  readonly username: string
  readonly password: string
  readonly certificates: Certificates
}

interface Broker {
  readonly id: number
  readonly ports: BrokerPorts
  readonly dataDirectory: string
  readonly propertiesFile: string
  readonly logFile: string
  process: ServerProcess | undefined
}

/**
 * Runs real Apache Kafka (KRaft) on free loopback ports; resolves when
 * every broker sees all others. The brokers never outlive this process.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const directory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'kafka-'))
  mkdirSync(directory, { recursive: true })
  const certificates = options.secure && makeCertificates(directory)
  const routes: TcpProxy[][] = Array.from({ length: Number(options.proxied ?? 0) }, () => [])
  const ports: BrokerPorts[] = []
  for (let id = 1; id <= (options.brokers ?? 1); id++) ports.push(await brokerPorts(routes))
  const brokers = ports.map((own, index) => layOut({ directory, options, certificates, ports, own, id: index + 1 }))

  const close = async () => {
    const end = options.dataDirectory === undefined ? ('SIGKILL' as const) : ('SIGTERM' as const)
    await Promise.all(brokers.map(({ process }) => process?.end(end, 4_000)))
    await Promise.all(routes.flat().map((proxy) => proxy.close()))
    if (options.dataDirectory === undefined) rmSync(directory, { recursive: true, force: true })
  }
  try {
    await format(brokers, options)
    for (const broker of brokers) broker.process = run(broker, options)
    await Promise.all(brokers.map((broker) => untilSeeingAll(broker, brokers)))
  } catch (error) {
    await close()
    throw error
  }
  return { ...addresses(ports, certificates), ...proxyRoutes(ports, routes), ...control(brokers, options), close }
}

/** Allocates the ports of one more broker and adds a proxy in front of it to each route. */
async function brokerPorts(routes: readonly TcpProxy[][]): Promise<BrokerPorts> {
  const proxied: ProxiedPorts[] = []
  for (const proxies of routes) {
    const listener = await freePort()
    const proxy = await startTcpProxy({ target: listener })
    proxies.push(proxy)
    proxied.push({ listener, proxy: proxy.port })
  }
  return {
    plain: await freePort(),
    controller: await freePort(),
    sasl: await freePort(),
    mutual: await freePort(),
    proxied,
  }
}

const loopback = (ports: readonly number[]) => ports.map((port) => `127.0.0.1:${port}`).join()

function addresses(ports: readonly BrokerPorts[], certificates: Certificates | undefined) {
  const secure = certificates && {
    ...saslUser,
    bootstrap: loopback(ports.map(({ sasl }) => sasl)),
    mutualBootstrap: loopback(ports.map(({ mutual }) => mutual)),
    controllers: loopback(ports.map(({ controller }) => controller)),
    certificates,
  }
  return { bootstrap: loopback(ports.map(({ plain }) => plain)), secure }
}

function proxyRoutes(ports: readonly BrokerPorts[], proxies: readonly TcpProxy[][]) {
  const routes = proxies.map((own) => ({ bootstrap: loopback(own.map(({ port }) => port)), proxies: own }))
  const plain = loopback(ports.map((own) => own.plain))
  return { proxiedBootstrap: routes[0]?.bootstrap ?? plain, proxies: routes[0]?.proxies ?? [], routes }
}

function control(brokers: readonly Broker[], options: KafkaOptions) {
  const broker = (id: number) => {
    const found = brokers[id - 1]
    if (found === undefined) throw new RangeError(`no broker ${id}`)
    return found
  }
  return {
    start: async (id: number) => {
      const started = broker(id)
      if (started.process?.isRunning()) return
      started.process = run(started, options)
      await untilSeeingAll(started, brokers)
    },
    stop: async (id: number, killAfterMs?: number) => broker(id).process?.end('SIGTERM', killAfterMs),
    kill: async (id: number) => broker(id).process?.end('SIGKILL'),
  }
}

function layOut(parts: {
  directory: string
  options: KafkaOptions
  certificates: Certificates | undefined
  ports: readonly BrokerPorts[]
  own: BrokerPorts
  id: number
}): Broker {
  const { directory, options, certificates, ports, own, id } = parts
  const dataDirectory = join(directory, `data-${id}`)
  const propertiesFile = join(directory, `broker-${id}.properties`)
  const { properties: extra = {} } = options
  const plan = { id, ports, dataDirectory, certificates, extra }
  writeFileSync(propertiesFile, brokerProperties(plan))
  const logFile = join(directory, `broker-${id}.log`)
  return { id, ports: own, dataDirectory, propertiesFile, logFile, process: undefined }
}

/** Writes a cluster id to new data directories; existing ones keep theirs. */
async function format(brokers: readonly Broker[], { secure }: KafkaOptions): Promise<void> {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A') // a leading `-` would be parsed as an option
  const scram = secure ? scramArguments : []
  for (const { dataDirectory, propertiesFile } of brokers) {
    if (existsSync(join(dataDirectory, 'meta.properties'))) continue
    await runClass('kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile, ...scram)
  }
}

function run({ propertiesFile, logFile }: Broker, { javaOptions = [], dataDirectory }: KafkaOptions): ServerProcess {
  const args = [...javaArguments(), ...javaOptions, 'kafka.Kafka', propertiesFile]
  const temporaryDirectory = dataDirectory === undefined ? dirname(propertiesFile) : undefined
  return startProcess({ command: 'java', args, logFile, temporaryDirectory })
}

async function untilSeeingAll({ id, ports, process, logFile }: Broker, brokers: readonly Broker[]): Promise<void> {
  if (process === undefined) return
  const running = brokers.filter((broker) => broker.process?.isRunning()).length
  const seesAll = async () => (await brokersSeenBy(ports.plain)) >= running
  await untilServing({ name: `Kafka broker ${id}`, process, logFile }, seesAll)
}

/** The release that the broker reports, such as `4.4.0`. */
export const kafkaVersion = async () => (await runClass('kafka.Kafka', '--version')).stdout.trim()

const runClass = (...args: string[]) => promisify(execFile)('java', [...javaArguments(), ...args])

/** Options for a small heap and a fast start; the class-data archive, if present, halves the start-up time. */
function javaArguments(): string[] {
  const jars = kafkaDirectory()
  const classPath = readdirSync(jars)
    .filter((file) => file.endsWith('.jar'))
    .sort()
    .map((file) => join(jars, file))
  const archive = join(jars, 'classes.jsa')
  const logging = fileURLToPath(new URL('kafka/log4j2.properties', import.meta.url))
  return [
    '-Xms128m',
    '-Xmx384m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.awt.headless=true',
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : []),
    `-Dlog4j2.configurationFile=${logging}`,
    '-cp',
    classPath.join(':'),
  ]
}

function kafkaDirectory(): string {
  const link = fileURLToPath(new URL('../../../.cache/kafka', import.meta.url))
  if (!existsSync(link)) throw new Error('Kafka is not installed: run scripts/provision.sh test')
  return realpathSync(link)
}
