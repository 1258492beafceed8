import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { closeStack } from '../connector/runtime/close-stack.ts'
import { type ConnectorProcess, type StreamReport, startConnector } from '../test/support/connector-process.ts'
import { cpuSecondsOf, memoryOf } from './parts/process-usage.ts'
import { openRig, print, settingsOf, startSimulator } from './parts/rig.ts'

/**
 * Measures what many streams with nothing to publish cost: time until all have caught up, CPU and memory, also when one
 * of several replicas is killed. Each stream has a topic of its own and is polled every 5 s.
 * `npm run bench:streams -- [--streams 100] [--replicas 1] [--seconds 20]`
 */

const CLIENTS = 5
const CONNECTOR = 'many'
const TIMEOUT_MS = 300_000
const SETTLING_MS = 10_000

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '100' },
    replicas: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
  },
})
const streams = Number(values.streams)
const closing = closeStack()
try {
  const rig = await openRig(closing)
  const options = ['--clients', String(CLIENTS), '--changes-per-second', '0']
  const source = closing.use(await startSimulator(options, rig.folder), (opened) => opened.close())
  const config = join(rig.folder, 'many.yaml')
  writeFileSync(config, configOf(source.url))
  const start = () => startConnector(['run', '--config', config], settingsOf(rig, CONNECTOR))
  const startAll = () =>
    Array.from({ length: Number(values.replicas) }, () => closing.use(start(), (one) => one.kill()))
  const first = startAll()
  await measure('new streams, whose topics are created', first)
  const [lost, ...left] = first
  if (left.length > 0) {
    await lost?.kill()
    await measure('one replica killed', left)
  }
  await Promise.all((left.length > 0 ? left : first).map((one) => one.stop()))
  await measure('restarted', startAll())
} finally {
  await closing.close()
}

/** Prints the figures of each replica: CPU seconds until all streams have caught up, then memory and CPU while idle. */
async function measure(phase: string, replicas: readonly ConnectorProcess[]): Promise<void> {
  const cpu = () => replicas.map(({ pid }) => cpuSecondsOf(pid))
  const began = performance.now()
  const cpuBefore = cpu()
  await untilCaughtUp(replicas)
  const allCaughtUpS = (performance.now() - began) / 1000
  const cpuSeconds = cpu().map((after, at) => after - (cpuBefore[at] ?? 0))
  await delay(SETTLING_MS)
  const idleFrom = performance.now()
  const cpuIdle = cpu()
  await delay(Number(values.seconds) * 1000)
  const idleSeconds = (performance.now() - idleFrom) / 1000
  print({
    phase,
    streams,
    replicas: replicas.length,
    allCaughtUpS,
    cpuSeconds,
    megabytes: replicas.map(({ pid }) => memoryOf(pid).megabytes),
    peakMegabytes: replicas.map(({ pid }) => memoryOf(pid).peakMegabytes),
    idleCore: cpu().map((after, at) => (after - (cpuIdle[at] ?? 0)) / idleSeconds),
  })
}

async function untilCaughtUp(replicas: readonly ConnectorProcess[]): Promise<void> {
  for (const giveUpAt = performance.now() + TIMEOUT_MS; ; await delay(500)) {
    const reports = (await Promise.all(replicas.map(streamsOf))).flat()
    const caughtUp = new Set(reports.filter(isCaughtUp).map(({ stream }) => stream)).size
    if (caughtUp === streams) return
    if (performance.now() > giveUpAt)
      throw new Error(`only ${caughtUp} of ${streams} streams have caught up after ${TIMEOUT_MS} ms`)
  }
}

function isCaughtUp({ state, progress }: StreamReport): boolean {
  return state === 'running' && progress === 'caught up'
}

async function streamsOf(replica: ConnectorProcess): Promise<StreamReport[]> {
  return JSON.parse((await replica.get('/status')).body).streams
}

function configOf(url: string): string {
  const all = Array.from({ length: streams }, (_, at) => ({
    name: `stream-${at}`,
    polaris: { url, codeMagasin: at + 1, lastChanged: '2000-01-01', output: 'json' },
    kafka: { topic: `${CONNECTOR}.${at}`, deadLetterTopic: `${CONNECTOR}.dlq` },
  }))
  return JSON.stringify({ kafka: { topics: { partitions: 1 } }, streams: all }) // JSON is YAML
}
