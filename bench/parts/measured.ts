import { setTimeout as delay } from 'node:timers/promises'
import type { ScanRig } from './scan-rig.ts'

const ARRIVAL_MS = 30_000

interface Measuring {
  /** Changes per second. */
  readonly rate: number
  /** Seconds with changes before the measurement, and of it. */
  readonly settlingS: number
  readonly seconds: number
}

/** What a stream that was changed at this rate has read and written in the time measured. */
export async function measuredAt(rig: ScanRig, { rate, settlingS, seconds }: Measuring) {
  await rig.changeFor(rate, settlingS)
  rig.startMeasuring()
  const before = { ...(await readCounts(rig)), ...writesOf(rig), at: performance.now() }
  const changes = await rig.changeFor(rate, seconds)
  const after = { ...(await readCounts(rig)), ...writesOf(rig) }
  const took = (performance.now() - before.at) / 1000
  // The last changes count, too.
  for (const until = performance.now() + ARRIVAL_MS; rig.waiting() > 0 && performance.now() < until; ) await delay(50)
  const [documents, documentBytes] = [after.documents - before.documents, after.documentBytes - before.documentBytes]
  return {
    changes,
    readPerChange: changes === 0 ? 0 : (after.clients - before.clients) / changes,
    pages: after.pages - before.pages,
    writes: {
      documentsPerSecond: documents / took,
      segmentsPerSecond: (after.segments - before.segments) / took,
      bytesPerDocument: documentBytes / documents,
      bytesPerSecond: (documentBytes + after.segmentBytes - before.segmentBytes) / took,
    },
  }
}

async function readCounts({ metric }: ScanRig) {
  return { clients: await metric('clients_total'), pages: await metric('pages_total') }
}

export async function sideCounts({ metric, republished }: ScanRig) {
  const [erased, removed] = [await metric('erasures_total'), await metric('removed_total')]
  return { erased, removed, republished: republished() }
}

/** Documents and segments written so far, from the trace log. */
export function writesOf(rig: ScanRig) {
  const sizes = (message: string) =>
    rig
      .connector()
      .lines()
      .flatMap(({ msg, bytes }) => (msg === message ? [Number(bytes)] : []))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  const [documents, segments] = [sizes('checkpoint saved'), sizes('segment of the client index written')]
  return {
    ...{ documents: documents.length, documentBytes: sum(documents), largestDocument: Math.max(0, ...documents) },
    ...{ segments: segments.length, segmentBytes: sum(segments) },
  }
}

/** From each change to its event. */
export function latency(rig: ScanRig) {
  const sorted = rig.latencies().toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? Number.NaN, waiting: rig.waiting() }
}
