import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compressionCosts } from './parts/compression-costs.ts'
import { containerRuns } from './parts/container-runs.ts'
import { indexWrites } from './parts/index-writes.ts'
import { openingTimes } from './parts/opening-times.ts'
import { openScanRig, type ScanRig } from './parts/scan-rig.ts'
import { REMOVALS, sideWork } from './parts/side-work.ts'
import { storeCosts } from './parts/store-costs.ts'

const CASES = ['steady', 'busy', 'backfill', 'mass-update', 'index', 'container', 'compression']

const HELP = `Measures how live changes and background scans share a slow server: 100 ms for a page of 100 clients.

steady: nothing else happens; also what S3 costs. busy: beside full scans, a republication of all clients, erasures and
removals. backfill: during the first scan, beside erasures.

npm run bench:scans -- [options]

  --only NAME      measure this case only (repeatable): ${CASES.join(', ')}
  --rates LIST     changes per second of the cases steady, busy and backfill (0,1,10,100)
  --seconds 180    duration of each measurement
  --clients N      clients of the cases backfill (1,000,000), mass-update (300,000) and index (a list: opening alone)
`

const LATENCY_MS = 100
const SETTLING_S = 120
const SIDE_S = 15
const ARRIVAL_MS = 30_000
const STREAMS = [1, 30, 300]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: CASES },
    rates: { type: 'string', default: '0,1,10,100' },
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const rates = values.rates.split(',').map(Number)

if (values.help) process.stdout.write(HELP)
else for (const name of values.only) await measure(name)

async function measure(name: string): Promise<void> {
  switch (name) {
    case 'steady':
      return await steady()
    case 'busy':
      return await busy()
    case 'backfill':
      return await backfill(Number(values.clients ?? 1_000_000))
    case 'mass-update':
      return await massUpdate(Number(values.clients ?? 300_000))
    case 'index':
      for await (const figures of openingTimes(values.clients?.split(',').map(Number)))
        print({ case: 'index', ...figures })
      if (values.clients !== undefined) return
      for await (const figures of indexWrites()) print({ case: 'index writes', ...figures })
      return
    case 'container':
      for await (const figures of containerRuns()) print({ case: 'container', ...figures })
      return
    case 'compression':
      for await (const figures of compressionCosts()) print({ case: 'compression', ...figures })
      return
    default:
      throw new Error(`unknown case ${name}`)
  }
}

/** All clients are in the topic, and nothing has changed since. */
async function readEverything(rig: ScanRig): Promise<void> {
  await rig.connector().line(({ msg }) => msg === 'caught up', 3_600_000)
  rig.slowDown(LATENCY_MS)
}

/** Reads per change, latency and what is written to S3, at different rates of changes. */
async function steady(): Promise<void> {
  const environment = { POLL_BACKFILL: 'before', LOG_LEVEL: 'trace' }
  const rig = await openScanRig({ clients: 20_000, latencyMs: 0, environment })
  try {
    await readEverything(rig)
    for (const rate of rates) {
      // The look-backs of the rate before are over.
      const { changes, readPerChange, pages, ...measured } = await measuredAt(rig, rate, Math.min(SETTLING_S, seconds))
      print({ case: `steady ${rate}/s`, changes, readPerChange, ...latency(rig), pages })
      print({ case: `store at ${rate}/s`, ...storeCosts(measured.writes, STREAMS) })
    }
  } finally {
    await rig.close()
  }
}

/** Latency of live changes beside everything else that a stream may have to do. */
async function busy(): Promise<void> {
  const rig = await openScanRig({
    clients: 10_000,
    latencyMs: 0,
    environment: { POLL_BACKFILL: 'before', ...REMOVALS },
  })
  try {
    await readEverything(rig)
    const work = sideWork(rig)
    try {
      for (const rate of rates) {
        const { changes } = await measuredAt(rig, rate, SIDE_S)
        print({ case: `busy ${rate}/s`, changes, ...latency(rig), ...(await sideCounts(rig)) })
      }
    } finally {
      await work.end()
    }
  } finally {
    await rig.close()
  }
}

/** What a stream that was changed at this rate has read and written in the time measured. */
async function measuredAt(rig: ScanRig, rate: number, settlingS: number) {
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

async function sideCounts({ metric, republished }: ScanRig) {
  const [erased, removed] = [await metric('erasures_total'), await metric('removed_total')]
  return { erased, removed, republished: republished() }
}

/** From the trace log. */
function writesOf(rig: ScanRig) {
  const sizes = (message: string) =>
    rig
      .connector()
      .lines()
      .flatMap(({ msg, bytes }) => (msg === message ? [Number(bytes)] : []))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  const [documents, segments] = [sizes('checkpoint saved'), sizes('segment of the client index written')]
  return {
    ...{ documents: documents.length, documentBytes: sum(documents) },
    ...{ segments: segments.length, segmentBytes: sum(segments) },
  }
}

/** Latency of live changes during a backfill. */
async function backfill(clients: number): Promise<void> {
  const rig = await openScanRig({ clients, latencyMs: LATENCY_MS, environment: { LOG_LEVEL: 'trace' } })
  try {
    await rig.changeFor(1, SIDE_S)
    const work = sideWork(rig)
    try {
      for (const rate of rates) {
        const [events, began] = [rig.events(), performance.now()]
        const { changes } = await measuredAt(rig, rate, SIDE_S)
        const eventsPerSecond = (1000 * (rig.events() - events)) / (performance.now() - began)
        print({
          case: `backfill of ${clients}, ${rate}/s`,
          changes,
          ...latency(rig),
          eventsPerSecond,
          ...(await sideCounts(rig)),
        })
      }
      const { documentBytes, segmentBytes } = writesOf(rig)
      const perEvent = { documentBytes: documentBytes / rig.events(), segmentBytes: segmentBytes / rig.events() }
      print({ case: 'written for each event', ...perEvent })
    } finally {
      await work.end()
    }
  } finally {
    await rig.close()
  }
}

/** Latency of live changes after an update of many clients at once, after two minutes. */
async function massUpdate(clients: number): Promise<void> {
  const rig = await openScanRig({ clients, latencyMs: 0, environment: { POLL_BACKFILL: 'before' } })
  try {
    await readEverything(rig)
    const before = rig.events()
    rig.simulator.massUpdate(clients)
    await rig.changeFor(1, SETTLING_S)
    rig.startMeasuring()
    const changes = await rig.changeFor(1, seconds)
    const published = rig.events() - before
    print({ case: `after an update of ${clients}`, changes, ...latency(rig), published })
  } finally {
    await rig.close()
  }
}

function latency(rig: ScanRig) {
  const sorted = rig.latencies().toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? Number.NaN, waiting: rig.waiting() }
}

function print(figures: object): void {
  console.log(
    JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)),
  )
}
