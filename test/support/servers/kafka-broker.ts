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
  /** Adds a SASL_SSL listener and one that wants a client certificate, both behind an authorizer that allows nothing yet. */
  readonly secure?: true
  /** Adds a fault-injecting proxy in front of each broker, or so many, which are ways of their own to the whole cluster. */
  readonly proxied?: true | number
  /** More broker properties. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kept on close, and gone on with by the next start. Without it: a temporary one, removed on close. */
  readonly dataDirectory?: string
  readonly javaOptions?: readonly string[]
}

export interface KafkaCluster {
  /** The plain listeners, separated by commas; whoever comes through them may do everything. */
  readonly bootstrap: string
  /** The first of `ways`: its bootstrap (without any, the plain one) and its proxies. */
  readonly proxiedBootstrap: string
  readonly proxies: readonly TcpProxy[]
  /** As many as `proxied` says. */
  readonly ways: readonly KafkaWay[]
  /** The secure listeners, when `secure`. */
  readonly secure: SecureListeners | undefined
  /** Starts broker `id` (1, 2, 3) again and waits until it sees every running broker. */
  start(id: number): Promise<void>
  /** SIGTERM, and waits until the broker has handed over and ended. */
  stop(id: number): Promise<void>
  /** SIGKILL, and waits for the end. */
  kill(id: number): Promise<void>
  close(): Promise<void>
}

/** A way to the cluster that can be disturbed without the others: whoever bootstraps here is never led around its proxies. */
export interface KafkaWay {
  readonly bootstrap: string
  /** One per broker. */
  readonly proxies: readonly TcpProxy[]
}

export interface SecureListeners {
  /** SASL_SSL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. */
  readonly bootstrap: string
  /** SSL that requires a client certificate. */
  readonly mutualBootstrap: string
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

/** Runs real Apache Kafka (KRaft) on loopback and free ports; resolves when every broker sees all of them. Ends with this process at the latest. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const directory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'kafka-'))
  mkdirSync(directory, { recursive: true })
  const certificates = options.secure && makeCertificates(directory)
  const ways: TcpProxy[][] = Array.from({ length: Number(options.proxied ?? 0) }, () => [])
  const ports: BrokerPorts[] = []
  for (let id = 1; id <= (options.brokers ?? 1); id++) ports.push(await brokerPorts(ways))
  const brokers = ports.map((own, index) => layOut({ directory, options, certificates, ports, own, id: index + 1 }))

  const close = async () => {
    const end = options.dataDirectory === undefined ? ('SIGKILL' as const) : ('SIGTERM' as const)
    await Promise.all(brokers.map(({ process }) => process?.end(end, 4_000)))
    await Promise.all(ways.flat().map((proxy) => proxy.close()))
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
  return { ...addresses(ports, certificates), ...waysIn(ports, ways), ...control(brokers, options), close }
}

/** Ports of one more broker, with a proxy for it on each of the ways. */
async function brokerPorts(ways: readonly TcpProxy[][]): Promise<BrokerPorts> {
  const proxied: ProxiedPorts[] = []
  for (const proxies of ways) {
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
    certificates,
  }
  return { bootstrap: loopback(ports.map(({ plain }) => plain)), secure }
}

function waysIn(ports: readonly BrokerPorts[], proxies: readonly TcpProxy[][]) {
  const ways = proxies.map((own) => ({ bootstrap: loopback(own.map(({ port }) => port)), proxies: own }))
  const plain = loopback(ports.map((own) => own.plain))
  return { proxiedBootstrap: ways[0]?.bootstrap ?? plain, proxies: ways[0]?.proxies ?? [], ways }
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
    stop: async (id: number) => broker(id).process?.end('SIGTERM'),
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
  const plan = { id, ports, dataDirectory, certificates, extra: options.properties ?? {} }
  writeFileSync(propertiesFile, brokerProperties(plan))
  const logFile = join(directory, `broker-${id}.log`)
  return { id, ports: own, dataDirectory, propertiesFile, logFile, process: undefined }
}

/** Writes the cluster's id into data directories that are new; it stays with the data. */
async function format(brokers: readonly Broker[], { secure }: KafkaOptions): Promise<void> {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A') // else it would read as an option
  const scram = secure ? scramArguments : []
  for (const { dataDirectory, propertiesFile } of brokers) {
    if (existsSync(join(dataDirectory, 'meta.properties'))) continue
    const arguments_ = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile, ...scram]
    await promisify(execFile)('java', [...javaArguments(), ...arguments_])
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

/** Small heap, quick start; the class-data archive, when there is one, halves the start-up. */
function javaArguments(): string[] {
  const jars = kafkaDirectory()
  const classPath = readdirSync(jars)
    .filter((file) => file.endsWith('.jar'))
    .sort()
    .map((file) => join(jars, file))
  const archive = join(jars, 'classes.jsa')
  const logging = fileURLToPath(new URL('kafka/log4j2.properties', import.meta.url))
  return [
    ...['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'],
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : []),
    `-Dlog4j2.configurationFile=${logging}`,
    ...['-cp', classPath.join(':')],
  ]
}

function kafkaDirectory(): string {
  const link = fileURLToPath(new URL('../../../.cache/kafka', import.meta.url))
  if (!existsSync(link)) throw new Error('Kafka is not there yet: run scripts/provision.sh')
  return realpathSync(link)
}
