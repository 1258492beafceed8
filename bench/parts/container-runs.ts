import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseDocument, serializeDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { S3Address } from '../../test/support/servers/s3-server.ts'
import { memoryLimit } from './control-group.ts'
import { startLean } from './lean-connector.ts'
import { storeIn, writtenIndex } from './opening-times.ts'
import { memoryOf } from './process-usage.ts'
import { FOLDER, openScanRig, type ScanRig, STREAM_KEY } from './scan-rig.ts'

/** A built connector with a large client index in a container. Megabytes are 10^6 bytes. */
export type ContainerRun =
  | {
      readonly outcome: 'publishes'
      readonly clients: number
      readonly containerMebibytes: number
      /** From the start of the process until it has read everything that is due. */
      readonly caughtUpMs: number
      /** Clients changed since, each of which is in the topic. */
      readonly published: number
      readonly peakResidentMegabytes: number
      readonly peakContainerMegabytes: number
    }
  | { readonly outcome: 'held'; readonly clients: number; readonly containerMebibytes: number; readonly why: string }

const CASES = [
  { clients: 5_000_000, containerMebibytes: 384, maxIndexMemory: '128MiB' },
  { clients: 20_000_000, containerMebibytes: 768, maxIndexMemory: '512MiB' },
  { clients: 20_000_000, containerMebibytes: 384, maxIndexMemory: '128MiB' },
]
const FEW = 1_000
const PER_SECOND = 100
const SECONDS = 20
const stop = new AbortController().signal

export async function* containerRuns(): AsyncGenerator<ContainerRun, void> {
  for (const { clients, containerMebibytes, maxIndexMemory } of CASES) {
    const rig = await openScanRig({ clients: FEW, latencyMs: 0, environment: { POLL_BACKFILL: 'before' } })
    const config = join(rig.folder, 'container.yaml')
    writeFileSync(config, JSON.stringify({ checkpoint: { maxIndexMemory } })) // JSON is YAML
    const limit = memoryLimit(containerMebibytes)
    try {
      await rig.connector().line(({ msg }) => msg === 'caught up')
      await rig.restart({
        meanwhile: () => grow(rig.s3, clients),
        start: (environment) => startLean({ args: ['run', '--config', config], environment, group: limit.procs }),
      })
      const began = performance.now()
      const report = await rig.connector().status(({ state, progress }) => state === 'held' || progress === 'caught up')
      const caughtUpMs = performance.now() - began
      const run = { clients, containerMebibytes }
      if (report.state === 'held') yield { outcome: 'held', ...run, why: whyHeld(rig) }
      else {
        const published = await publishSome(rig)
        const peakResidentMegabytes = memoryOf(rig.connector().pid).peakMegabytes
        const peaks = { peakResidentMegabytes, peakContainerMegabytes: limit.peakMegabytes() }
        yield { outcome: 'publishes', ...run, caughtUpMs, published, ...peaks }
      }
    } finally {
      await rig.close()
      limit.close()
    }
  }
}

function whyHeld(rig: ScanRig): string {
  const line = rig
    .connector()
    .lines()
    .find(({ code }) => code === 'checkpoint.index-too-large')
  return JSON.stringify(line?.error)
}

/** Adds clients to the stored index of a stream that no process runs. */
async function grow(address: S3Address, clients: number): Promise<void> {
  const checkpoints = storeIn(address, FOLDER)
  try {
    const object = checkpoints.object(STREAM_KEY)
    const stored = await object.read(stop)
    if (stored === undefined) throw new Error(`no ${STREAM_KEY}`)
    const document = parseDocument(stored.text)
    const { committed } = document
    const { index } = committed.state
    const segments = [...(await writtenIndex(checkpoints.segments(STREAM_KEY), clients)), ...index.segments]
    const grown = { ...committed, state: { ...committed.state, index: { ...index, segments } } }
    await object.write(serializeDocument({ ...document, nonce: 'grown', committed: grown }), stored.version, stop)
  } finally {
    await checkpoints.close()
  }
}

async function publishSome(rig: ScanRig): Promise<number> {
  rig.startMeasuring()
  const changes = await rig.changeFor(PER_SECOND, SECONDS)
  for (const giveUpAt = performance.now() + 60_000; rig.waiting() > 0; await delay(100))
    if (performance.now() > giveUpAt) throw new Error(`${rig.waiting()} of ${changes} changes are not in the topic`)
  return changes
}
