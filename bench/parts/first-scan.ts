import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectorProcess, startConnector } from '../../test/support/connector-process.ts'
import { type Figures, figuresOf, type Sample } from './figures.ts'
import { cpuSecondsOf, memoryOf } from './process-usage.ts'
import { type Rig, settingsOf, streamSettings } from './rig.ts'

/** One measurement: a first scan of `clients` clients. */
export interface Case {
  readonly output: 'xml' | 'json'
  readonly limit: number
  readonly clients: number
}

const SAMPLE_EVERY_MS = 50
/** The scan is complete when the topic has all records and has not grown for this long. */
const QUIET_MS = 1_000
const LONGEST_MS = 15 * 60_000

/** Runs the built connector until the topic holds every client. `id` names its topic and its checkpoints. */
export async function firstScan(rig: Rig, run: Case & { readonly url: string; readonly id: string }): Promise<Figures> {
  const topic = `client.modified.${run.id}`
  await rig.admin.createTopics({ topics: [{ topic, numPartitions: 6 }] })
  // The backfill alone, at full speed.
  const settings = { ...settingsOf(rig, run.id), ...streamSettings({ ...run, topic }), POLL_BACKFILL: 'before' }
  const connector = startConnector(['run'], settings)
  try {
    const samples = await sampleUntilDone(rig.admin, topic, run.clients, connector)
    return figuresOf(samples, { clients: run.clients, ...memoryOf(connector.pid) })
  } finally {
    await connector.stop()
    await rig.admin.deleteTopics({ topics: [topic] })
  }
}

/** Samples the end offsets of the topic until it holds every client. */
async function sampleUntilDone(admin: Rig['admin'], topic: string, clients: number, connector: ConnectorProcess) {
  const seen: (Omit<Sample, 'share'> & { offsets: number })[] = []
  const giveUpAt = performance.now() + LONGEST_MS
  let grewAt = Number.POSITIVE_INFINITY
  while (performance.now() - grewAt < QUIET_MS || (seen.at(-1)?.offsets ?? 0) < clients) {
    if (!connector.isRunning() || performance.now() > giveUpAt)
      throw new Error(`the connector exited, or took too long: ${connector.output().slice(-2000)}`)
    // A leader may not have learned yet of a topic that was just created.
    const ends = await admin.fetchTopicOffsets(topic).catch(() => [])
    const offsets = ends.reduce((sum, { high }) => sum + Number(high), 0)
    const atMs = performance.now()
    if (offsets > (seen.at(-1)?.offsets ?? 0)) {
      grewAt = atMs
      seen.push({ atMs, offsets, cpuSeconds: cpuSecondsOf(connector.pid) })
    }
    await delay(SAMPLE_EVERY_MS)
  }
  const end = seen.at(-1)?.offsets ?? 1 // records and transaction markers
  return seen.map(({ offsets, ...sample }) => ({ ...sample, share: offsets / end }))
}
