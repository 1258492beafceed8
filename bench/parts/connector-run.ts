import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startProcess } from '../../test/support/servers/server-process.ts'
import { type Figures, figuresOf, type Sample } from './figures.ts'
import { type LoopDelay, loopDelayOf } from './loop-delay.ts'
import type { Case, Plan } from './plan.ts'
import { cpuSecondsOf, memoryOf } from './process-usage.ts'
import type { Rig } from './rig.ts'

/** The figures of one first scan, and what it wrote to Kafka. */
export interface ConnectorRun {
  readonly figures: Figures
  readonly topic: string
  readonly transactions: number
  /** Resident memory in MB, at each tenth of the scan. */
  readonly memory: readonly number[]
  readonly loopDelay: LoopDelay
}

interface MemorySample extends Sample {
  readonly megabytes: number
}

const SAMPLE_EVERY_MS = 50
/** The scan is complete when the topic has all records and has not grown for this long. */
const QUIET_MS = 1_000
const LONGEST_MS = 15 * 60_000
const STREAM = 'first-scan'

/** Runs the built connector until the topic holds every client. */
export async function runConnector(
  rig: Rig,
  run: Case & Pick<Plan, 'nodeFlags' | 'profileInto'> & { readonly url: string; readonly id: string },
): Promise<ConnectorRun> {
  const main = new URL('../../dist/main.js', import.meta.url).pathname
  if (!existsSync(main)) throw new Error('the connector is not built; run `npm run build`')
  const topic = `client.modified.${run.id}`
  await rig.admin.createTopics({ topics: [{ topic, numPartitions: 6 }] })
  const profile =
    run.profileInto === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${run.profileInto}`, '--cpu-prof-interval=500']
  const logFile = join(rig.folder, `${run.id}.log`)
  const process = startProcess({
    command: globalThis.process.execPath,
    args: [...run.nodeFlags, ...profile, main, 'run'],
    env: environmentOf(rig, { ...run, topic }),
    logFile,
  })
  try {
    const { pid } = process
    if (pid === undefined) throw new Error('the connector did not start')
    const loopDelay = loopDelayOf(logFile)
    const { isRunning } = process
    const progress = { clients: run.clients, topic, pid, isRunning, sample: loopDelay.sample }
    const samples = await sampleUntilDone(rig, progress)
    return {
      figures: figuresOf(samples, { clients: run.clients, peakMegabytes: memoryOf(pid).peakMegabytes }),
      topic,
      transactions: await transactionsOf(rig, { id: run.id, topic }),
      memory: memoryOverTime(samples),
      loopDelay: loopDelay.result(),
    }
  } catch (error) {
    throw new Error(`${run.name}: ${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
  } finally {
    await process.end('SIGTERM', 10_000)
  }
}

function environmentOf(
  { brokers, s3 }: Rig,
  run: Case & { url: string; id: string; topic: string },
): Record<string, string> {
  return {
    ...{
      CONNECTOR_ID: run.id,
      STREAM_NAME: STREAM,
      HTTP_PORT: '0',
      PLACEMENT: 'single',
      LOG_LEVEL: 'info',
      MALLOC_ARENA_MAX: '1',
    },
    ...{ POLARIS_URL: run.url, POLARIS_AUTH: 'none', POLARIS_CODE_MAGASIN: '1' },
    ...{ POLARIS_LAST_CHANGED: '2000-01-01T00:00:00', POLARIS_LIST_FIELDS: 'Cartes' },
    // The backfill alone, at full speed.
    POLL_BACKFILL: 'before',
    ...{ POLARIS_LIMIT: String(run.limit), POLARIS_OUTPUT: run.output },
    ...{ KAFKA_BROKERS: brokers, KAFKA_TOPIC: run.topic },
    ...{ CHECKPOINT_URL: `s3://${s3.bucket}/${run.id}`, AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey, S3_FORCE_PATH_STYLE: 'true' },
  }
}

/** Samples the end offsets of the topic until it holds every client. */
async function sampleUntilDone(
  { admin }: Rig,
  run: { clients: number; topic: string; pid: number; isRunning(): boolean; sample(hasEvents: boolean): Promise<void> },
): Promise<MemorySample[]> {
  const seen: (Omit<MemorySample, 'share'> & { offsets: number })[] = []
  const giveUpAt = performance.now() + LONGEST_MS
  let grewAt = Number.POSITIVE_INFINITY
  while (performance.now() - grewAt < QUIET_MS || (seen.at(-1)?.offsets ?? 0) < run.clients) {
    if (!run.isRunning() || performance.now() > giveUpAt)
      throw new Error(`the connector exited or did not finish within ${LONGEST_MS} ms`)
    const ends = await admin.fetchTopicOffsets(run.topic).catch(() => []) // a new topic has no leader at first
    const offsets = ends.reduce((sum, { high }) => sum + Number(high), 0)
    const atMs = performance.now()
    if (offsets > (seen.at(-1)?.offsets ?? 0)) {
      grewAt = atMs
      seen.push({ atMs, offsets, cpuSeconds: cpuSecondsOf(run.pid), megabytes: memoryOf(run.pid).megabytes })
    }
    await run.sample(seen.length > 0)
    await delay(SAMPLE_EVERY_MS)
  }
  const end = seen.at(-1)?.offsets ?? 1 // records and transaction markers
  return seen.map(({ offsets, ...sample }) => ({ ...sample, share: offsets / end }))
}

function memoryOverTime(samples: readonly MemorySample[]): number[] {
  return Array.from({ length: 10 }, (_, tenth) =>
    Math.round(samples.find(({ share }) => share >= (tenth + 1) / 10)?.megabytes ?? Number.NaN),
  )
}

/** Read from the commit record, whose offset counts the transactions. */
async function transactionsOf({ admin }: Rig, { id, topic }: { id: string; topic: string }): Promise<number> {
  const [ofTopic] = await admin.fetchOffsets({ groupId: `${id}.${STREAM}`, topics: [topic] })
  return Number(ofTopic?.partitions.find(({ partition }) => partition === 0)?.offset)
}
