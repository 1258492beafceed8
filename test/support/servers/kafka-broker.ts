import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Certificates, makeCertificates } from './certificates.ts'
import { freePort } from './free-port.ts'
import { type BrokerPorts, brokerProperties, saslUser, scramArguments } from './kafka-properties.ts'
import { brokersSeenBy } from './kafka-wire.ts'
import { type ServerProcess, startProcess, untilServing } from './server-process.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface KafkaOptions {
  readonly brokers?: 1 | 3
  /** Adds a SASL_SSL listener and one that wants a client certificate, both behind an authorizer that allows nothing yet. */
  readonly secure?: true
  /** Adds a fault-injecting proxy in front of each broker. */
  readonly proxied?: true
  /** More broker properties. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kept on close, and gone on with by the next start. Without it: a temporary one, removed on close. */
  readonly dataDirectory?: string
  readonly javaOptions?: readonly string[]
}

export interface KafkaCluster {
  /** The plain listeners, separated by commas; whoever comes through them may do everything. */
  readonly bootstrap: string
  /** The listeners behind the proxies, when `proxied`. */
  readonly proxiedBootstrap: string
  /** One per broker when `proxied`, else none. */
  readonly proxies: readonly TcpProxy[]
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
  const proxies: TcpProxy[] = []
  const ports: BrokerPorts[] = []
  for (let id = 1; id <= (options.brokers ?? 1); id++) ports.push(await brokerPorts(options, proxies))
  const brokers = ports.map((own, index) => layOut({ directory, options, certificates, ports, own, id: index + 1 }))

  const close = async () => {
    const end = options.dataDirectory === undefined ? ('SIGKILL' as const) : ('SIGTERM' as const)
    await Promise.all(brokers.map(({ process }) => process?.end(end, 4_000)))
    await Promise.all(proxies.map((proxy) => proxy.close()))
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
  return { ...addresses(ports, certificates), proxies, ...control(brokers, options), close }
}

async function brokerPorts({ proxied }: KafkaOptions, proxies: TcpProxy[]): Promise<BrokerPorts> {
  const listener = await freePort()
  const proxy = proxied && (await startTcpProxy({ target: listener }))
  if (proxy) proxies.push(proxy)
  return {
    plain: await freePort(),
    controller: await freePort(),
    sasl: await freePort(),
    mutual: await freePort(),
    proxied: listener,
    proxy: proxy?.port ?? listener,
  }
}

function addresses(ports: readonly BrokerPorts[], certificates: Certificates | undefined) {
  const bootstrap = (listener: keyof BrokerPorts) => ports.map((own) => `127.0.0.1:${own[listener]}`).join()
  const secure = certificates && {
    ...saslUser,
    bootstrap: bootstrap('sasl'),
    mutualBootstrap: bootstrap('mutual'),
    certificates,
  }
  return { bootstrap: bootstrap('plain'), proxiedBootstrap: bootstrap('proxy'), secure }
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
