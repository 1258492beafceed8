import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import type { ConnectorProcess, StreamReport } from '../../test/support/connector-process.ts'
import { connectionsOf } from '../../test/support/tcp-connections.ts'
import { type ControlGroup, cpuLimit } from './control-group.ts'
import { startLean } from './lean-connector.ts'
import { cpuSecondsOf, memoryOf } from './process-usage.ts'
import { openRig, type Rig, type RunningSource, startSimulator } from './rig.ts'

/** What many streams with nothing to publish cost; each has a topic of its own and is polled every 5 s. */
export interface ManyStreams {
  readonly phase: string
  readonly streams: number
  readonly replicas: number
  /** From the start, or the loss of a replica, until every stream has caught up. */
  readonly allCaughtUpS: number
  /** Of each replica: CPU seconds until then, memory now and at most, in MB of 10^6 bytes. */
  readonly cpuSeconds: readonly number[]
  readonly megabytes: readonly number[]
  readonly peakMegabytes: readonly number[]
  /** Of each replica, of a core, while nothing happens. */
  readonly idleCore: readonly number[]
  readonly connectionsToKafka: readonly number[]
  /** Log lines of failures until all streams had caught up. */
  readonly failures: Readonly<Record<string, number>>
}

export interface ManyOptions {
  readonly streams: number
  readonly replicas: number
  /** Percent of a core that each replica may use. */
  readonly cpu: number | undefined
  /** How long each phase measures after all streams have caught up. */
  readonly seconds: number
  /** Folder for the log of each replica. */
  readonly logs: string | undefined
}

const CLIENTS = 5
const CONNECTOR = 'many'

export async function* manyStreams(options: ManyOptions): AsyncGenerator<ManyStreams, void> {
  const closing = closeStack()
  try {
    const rig = closing.use(await openRig(), (opened) => opened.close())
    const source = closing.use(
      await startSimulator(['--clients', String(CLIENTS), '--changes-per-second', '0'], rig.folder),
      (opened) => opened.close(),
    )
    const config = join(rig.folder, 'many.yaml')
    writeFileSync(config, configOf(rig, source, options.streams))
    // Closed last: no process is left in it then.
    const groups: ControlGroup[] = closing.use([], closeAll)
    const started = closing.use(new Map<string, ConnectorProcess>(), (all) => endAll(all, options.logs))
    const start = () => {
      const group = options.cpu === undefined ? undefined : cpuLimit(options.cpu)
      if (group !== undefined) groups.push(group)
      const environment = environmentOf(rig)
      const replica = startLean({ args: ['run', '--config', config], environment, group: group?.procs })
      started.set(`replica-${started.size + 1}`, replica)
      return replica
    }
    const all = () => Array.from({ length: options.replicas }, start)
    const first = all()
    yield await measured(rig, options, { phase: 'new streams, whose topics are created', replicas: first })
    const [lost, ...left] = first
    if (left.length > 0) {
      await lost?.kill()
      yield await measured(rig, options, { phase: 'one replica killed', replicas: left })
    }
    await Promise.all(left.length > 0 ? left.map((one) => one.stop()) : [lost?.stop()])
    yield await measured(rig, options, { phase: 'restarted', replicas: all() })
  } finally {
    await closing.close()
  }
}

interface Phase {
  readonly phase: string
  readonly replicas: readonly ConnectorProcess[]
}

async function measured(rig: Rig, { streams, seconds }: ManyOptions, { phase, replicas }: Phase): Promise<ManyStreams> {
  const began = performance.now()
  const lines = replicas.map((replica) => replica.lines().length)
  const cpu = () => replicas.map(({ pid }) => cpuSecondsOf(pid))
  const cpuBefore = cpu()
  await untilCaughtUp(replicas, streams)
  const allCaughtUpS = (performance.now() - began) / 1000
  const cpuSeconds = cpu().map((after, at) => after - (cpuBefore[at] ?? 0))
  const failures = failuresIn(replicas.flatMap((replica, at) => replica.lines().slice(lines[at])))
  await delay(10_000)
  const [idleFrom, cpuIdle] = [performance.now(), cpu()]
  await delay(seconds * 1000)
  const idleSeconds = (performance.now() - idleFrom) / 1000
  const port = Number(rig.brokers.slice(rig.brokers.lastIndexOf(':') + 1))
  return {
    ...{ phase, streams, replicas: replicas.length, allCaughtUpS, cpuSeconds, failures },
    megabytes: replicas.map(({ pid }) => memoryOf(pid).megabytes),
    peakMegabytes: replicas.map(({ pid }) => memoryOf(pid).peakMegabytes),
    idleCore: cpu().map((after, at) => (after - (cpuIdle[at] ?? 0)) / idleSeconds),
    connectionsToKafka: replicas.map(({ pid }) => connectionsOf(pid).get(port) ?? 0),
  }
}

const TIMEOUT_MS = 300_000

async function untilCaughtUp(replicas: readonly ConnectorProcess[], streams: number): Promise<void> {
  for (const giveUpAt = performance.now() + TIMEOUT_MS; ; await delay(500)) {
    const reports = (await Promise.all(replicas.map(streamsOf))).flat()
    const caughtUp = new Set(reports.filter(isCaughtUp).map(({ stream }) => stream)).size
    if (caughtUp === streams) return
    if (performance.now() > giveUpAt)
      throw new Error(`only ${caughtUp} of ${streams} streams have caught up after ${TIMEOUT_MS} ms`)
  }
}

const isCaughtUp = ({ state, progress }: StreamReport) => state === 'running' && progress === 'caught up'

async function streamsOf(replica: ConnectorProcess): Promise<StreamReport[]> {
  const { streams } = JSON.parse((await replica.get('/status')).body) as { streams: StreamReport[] }
  return streams
}

/** How often each message of a warning or error was logged, and each failure of a stream. */
function failuresIn(lines: ReturnType<ConnectorProcess['lines']>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { level, msg, code } of lines)
    if (level !== 'info' || code !== undefined) {
      const name = code === undefined ? msg : `${msg} (${code})`
      counts[name] = (counts[name] ?? 0) + 1
    }
  return counts
}

function configOf({ s3, brokers }: Rig, { url }: RunningSource, count: number): string {
  const streams = Array.from({ length: count }, (_, at) => ({
    name: `stream-${at}`,
    polaris: { url, codeMagasin: at + 1, lastChanged: '2000-01-01', output: 'json' },
    kafka: { topic: `${CONNECTOR}.${at}`, deadLetterTopic: `${CONNECTOR}.dlq` },
  }))
  const checkpoint = { url: `s3://${s3.bucket}/${CONNECTOR}`, endpoint: s3.endpoint, region: s3.region }
  const kafka = { brokers: [brokers], topics: { partitions: 1 } }
  return JSON.stringify({ connector: CONNECTOR, http: { port: 0 }, kafka, checkpoint, streams }) // JSON is YAML
}

function environmentOf({ s3 }: Rig): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    MALLOC_ARENA_MAX: '1',
  }
}

function closeAll(groups: readonly ControlGroup[]): void {
  for (const group of groups) group.close()
}

async function endAll(replicas: ReadonlyMap<string, ConnectorProcess>, logs: string | undefined): Promise<void> {
  await Promise.all([...replicas.values()].map((replica) => replica.kill()))
  if (logs === undefined) return
  for (const [name, replica] of replicas) writeFileSync(join(logs, `${name}.log`), replica.output())
}
