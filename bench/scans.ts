import { parseArgs } from 'node:util'
import { compressionCosts } from './parts/compression-costs.ts'
import { indexWrites } from './parts/index-writes.ts'
import { openingTimes } from './parts/opening-times.ts'
import { openScanRig, type ScanRig } from './parts/scan-rig.ts'

const HELP = `Measures how live changes and background scans share a slow server: 100 ms for a page of 100 clients.

npm run bench:scans -- [options]

  --only NAME      measure this case only (repeatable): ${['steady', 'backfill', 'mass-update', 'index', 'compression'].join(', ')}
  --rates LIST     changes per second of the case steady (0.1,1,10,30,60,100)
  --seconds 180    duration of each measurement
  --clients N      clients of the cases backfill (1,000,000) and mass-update (300,000)
`

const LATENCY_MS = 100
const SETTLING_S = 120

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: ['steady', 'backfill', 'mass-update', 'index', 'compression'] },
    rates: { type: 'string', default: '0.1,1,10,30,60,100' },
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)

if (values.help) process.stdout.write(HELP)
else for (const name of values.only) await measure(name)

async function measure(name: string): Promise<void> {
  switch (name) {
    case 'steady':
      return await steady(values.rates.split(',').map(Number))
    case 'backfill':
      return await backfill(Number(values.clients ?? 1_000_000))
    case 'mass-update':
      return await massUpdate(Number(values.clients ?? 300_000))
    case 'index':
      for await (const figures of openingTimes()) print({ case: 'index', ...figures })
      for await (const figures of indexWrites()) print({ case: 'index writes', ...figures })
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
  await rig.connector.line(({ msg }) => msg === 'caught up', 3_600_000)
  rig.slowDown(LATENCY_MS)
}

/** Reads per change and latency, at different rates of changes. */
async function steady(rates: readonly number[]): Promise<void> {
  const rig = await openScanRig({ clients: 20_000, latencyMs: 0, environment: { POLL_BACKFILL: 'before' } })
  try {
    await readEverything(rig)
    for (const rate of rates) {
      // The look-backs of the rate before are over.
      await rig.changeFor(rate, Math.min(SETTLING_S, seconds))
      rig.startMeasuring()
      const before = await readCounts(rig)
      const changes = await rig.changeFor(rate, seconds)
      const after = await readCounts(rig)
      const readPerChange = (after.clients - before.clients) / changes
      print({ case: `steady ${rate}/s`, changes, readPerChange, ...latency(rig), pages: after.pages - before.pages })
    }
  } finally {
    await rig.close()
  }
}

async function readCounts({ metric }: ScanRig) {
  return { clients: await metric('clients_total'), pages: await metric('pages_total') }
}

/** Latency of live changes during a backfill, after two minutes. */
async function backfill(clients: number): Promise<void> {
  const rig = await openScanRig({ clients, latencyMs: LATENCY_MS, environment: { LOG_LEVEL: 'trace' } })
  try {
    await rig.changeFor(1, SETTLING_S)
    rig.startMeasuring()
    const [before, began] = [rig.events(), performance.now()]
    const changes = await rig.changeFor(1, seconds)
    const perSecond = (1000 * (rig.events() - before)) / (performance.now() - began)
    print({
      case: `backfill of ${clients}`,
      changes,
      ...latency(rig),
      eventsPerSecond: perSecond,
      ...bytesPerEvent(rig),
    })
  } finally {
    await rig.close()
  }
}

/** From the trace log: what was written for each event in the topic. */
function bytesPerEvent(rig: ScanRig) {
  const sum = (message: string) =>
    rig.connector.lines().reduce((total, { msg, bytes }) => total + (msg === message ? Number(bytes) : 0), 0)
  return {
    checkpointBytesPerEvent: sum('checkpoint saved') / rig.events(),
    segmentBytesPerEvent: sum('segment of the client index written') / rig.events(),
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

function print(figures: Readonly<Record<string, string | number>>): void {
  const rounded = Object.entries(figures).map(([name, value]) =>
    typeof value === 'number' ? [name, Math.round(value * 10) / 10] : [name, value],
  )
  console.log(JSON.stringify(Object.fromEntries(rounded)))
}
