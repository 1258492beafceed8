import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { shortTimes, shortTimesModule } from '../test/support/connector-process.ts'
import { startProcess } from '../test/support/servers/server-process.ts'
import { connectionsOf } from '../test/support/tcp-connections.ts'
import { LOW_MEMORY_FLAGS } from './parts/plan.ts'
import { cpuSecondsOf, memoryOf } from './parts/process-usage.ts'
import { openRig, type Rig, type RunningSource, startSimulator } from './parts/rig.ts'

/** Measures what many streams cost on one replica while there is nothing to publish. */

const HELP = `node bench/idle-streams.ts [--streams 200] [--seconds 60] [--node-flags '…']

Runs the built connector on a real broker, a real S3 server and the Polaris simulator. Each stream has its own topic and
polls every 5 s. Measures the start until all streams have caught up, then --seconds with nothing to publish: first with
open Kafka producers (never idle), then after a restart with closed producers (idle after 5 s).
`

interface Options {
  readonly streams: number
  readonly seconds: number
  readonly nodeFlags: readonly string[]
}

interface Measured {
  readonly name: string
  readonly startedInS: number
  readonly peakMegabytes: number
  readonly megabytes: number
  readonly coreShare: number
  readonly connections: { readonly kafka: number; readonly s3: number; readonly polaris: number }
  readonly pollsPerSecond: number
}

interface StreamReport {
  readonly state: string
  readonly progress?: string
  readonly idle?: boolean
  readonly totals: { readonly pages: number; readonly events: number }
}

const CLIENTS = 5

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '60' },
      'node-flags': { type: 'string', default: LOW_MEMORY_FLAGS },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '')
  const options = { streams: Number(values.streams), seconds: Number(values.seconds), nodeFlags }
  const rig = await openRig()
  const source = await startSimulator(['--clients', String(CLIENTS), '--changes-per-second', '0'], rig.folder)
  try {
    console.log(HEAD)
    console.log(
      rowOf(
        await measure(rig, source, {
          ...options,
          name: 'new streams (their topics are created first), producers open',
          idleAfterMs: 0,
        }),
      ),
    )
    console.log(
      rowOf(await measure(rig, source, { ...options, name: 'restarted, producers closed', idleAfterMs: 5_000 })),
    )
  } finally {
    await source.close()
    await rig.close()
  }
}

interface Run extends Options {
  readonly name: string
  /** 0: never. */
  readonly idleAfterMs: number
}

async function measure(rig: Rig, source: RunningSource, run: Run): Promise<Measured> {
  const logFile = join(rig.folder, `idle-${run.idleAfterMs}.log`)
  const began = performance.now()
  const child = startConnector(rig, source, { ...run, logFile })
  try {
    const { pid } = child
    if (pid === undefined) throw new Error('the connector did not start')
    await untilAllReport(logFile, run.streams, ({ progress }) => progress === 'caught up')
    const startedInS = (performance.now() - began) / 1000
    await untilAllReport(logFile, run.streams, ({ idle }) => (idle === true) === (run.idleAfterMs !== 0))
    await delay(10_000)
    const before = { cpu: cpuSecondsOf(pid), at: performance.now(), pages: await pagesOf(logFile) }
    await delay(run.seconds * 1000)
    const seconds = (performance.now() - before.at) / 1000
    const coreShare = (cpuSecondsOf(pid) - before.cpu) / seconds
    const pollsPerSecond = ((await pagesOf(logFile)) - before.pages) / seconds
    const to = connectionsOf(pid)
    const connections = {
      kafka: portsOf(rig.brokers).reduce((sum, port) => sum + (to.get(port) ?? 0), 0),
      s3: to.get(Number(new URL(rig.s3.endpoint).port)) ?? 0,
      polaris: to.get(source.port) ?? 0,
    }
    return { name: run.name, startedInS, ...memoryOf(pid), coreShare, connections, pollsPerSecond }
  } catch (error) {
    throw new Error(readFileSync(logFile, 'utf8').slice(-3000), { cause: error })
  } finally {
    await child.end('SIGTERM', 60_000)
  }
}

const portsOf = (brokers: string) =>
  brokers.split(',').map((broker) => Number(broker.slice(broker.lastIndexOf(':') + 1)))

function startConnector(rig: Rig, source: RunningSource, run: Run & { logFile: string }) {
  const connector = 'idle'
  const streams = Array.from({ length: run.streams }, (_, at) => ({
    name: `stream-${at}`,
    polaris: { url: source.url, codeMagasin: at + 1, lastChanged: '2000-01-01', output: 'json' },
    kafka: { topic: `${connector}.${at}`, deadLetterTopic: `${connector}.dlq` },
  }))
  const { s3, brokers } = rig
  const config = {
    connector,
    http: { port: 0 },
    kafka: { brokers: [brokers], topics: { partitions: 1 } },
    checkpoint: { url: `s3://${s3.bucket}/${connector}`, endpoint: s3.endpoint, region: s3.region },
    streams,
  }
  const file = join(rig.folder, `${connector}.yaml`)
  writeFileSync(file, JSON.stringify(config)) // JSON is YAML
  const main = new URL('../dist/main.js', import.meta.url).pathname
  return startProcess({
    command: process.execPath,
    args: [...run.nodeFlags, '--import', shortTimesModule, main, 'run', '--config', file],
    env: {
      ...shortTimes({ run: { idleAfterMs: run.idleAfterMs } }),
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      MALLOC_ARENA_MAX: '1',
    },
    logFile: run.logFile,
  })
}

async function reports(logFile: string): Promise<readonly StreamReport[]> {
  const started = readFileSync(logFile, 'utf8')
    .split('\n')
    .find((line) => line.includes('"connector started"'))
  if (started === undefined) return []
  const { port } = JSON.parse(started) as { port: number }
  const { streams } = (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as { streams: StreamReport[] }
  return streams
}

async function pagesOf(logFile: string): Promise<number> {
  return (await reports(logFile)).reduce((sum, { totals }) => sum + totals.pages, 0)
}

const TIMEOUT_MS = 300_000

async function untilAllReport(
  logFile: string,
  count: number,
  matches: (report: StreamReport) => boolean,
): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS
  for (;;) {
    const current = await reports(logFile)
    if (current.length === count && current.every(matches)) return
    if (performance.now() > giveUpAt)
      throw new Error(`only ${current.filter(matches).length} of ${count} streams are ready after ${TIMEOUT_MS} ms`)
    await delay(200)
  }
}

const HEAD = [
  '| | all streams caught up after s | peak RSS MB | RSS MB | CPU (100 % = one core) | polls/s | connections to Kafka | to S3 | to Polaris |',
  '| --- | --: | --: | --: | --: | --: | --: | --: | --: |',
].join('\n')

function rowOf({
  name,
  startedInS,
  peakMegabytes,
  megabytes,
  coreShare,
  connections,
  pollsPerSecond,
}: Measured): string {
  const { kafka, s3, polaris } = connections
  const percent = `${(100 * coreShare).toFixed(1)} %`
  const figures = [
    startedInS.toFixed(1),
    Math.round(peakMegabytes),
    Math.round(megabytes),
    percent,
    pollsPerSecond.toFixed(1),
  ]
  return `| ${[name, ...figures, kafka, s3, polaris].join(' | ')} |`
}

await main()
