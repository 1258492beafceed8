import { parseArgs } from 'node:util'
import { compressionCosts } from './parts/compression-costs.ts'
import { containerRuns } from './parts/container-runs.ts'
import { indexWrites } from './parts/index-writes.ts'
import { latency, measuredAt, sideCounts, writesOf } from './parts/measured.ts'
import { openingTimes } from './parts/opening-times.ts'
import { openScanRig, type ScanRig } from './parts/scan-rig.ts'
import { REMOVALS, sideWork } from './parts/side-work.ts'
import { storeCosts } from './parts/store-costs.ts'

const CASES = ['steady', 'busy', 'backfill', 'mass-update', 'index', 'container', 'compression']

const HELP = `Measures how live changes and background scans share a slow server, with pages of 100 clients.

steady: nothing else happens; also what S3 costs. busy: beside full scans, a republication of all clients, erasures and
removals. backfill: during the first scan, beside erasures.

npm run bench:scans -- [options]

  --only NAME      measure this case only (repeatable): ${CASES.join(', ')}
  --rates LIST     changes per second of the cases steady, busy and backfill (0,1,10,100)
  --seconds 180    duration of each measurement
  --latency 100    milliseconds for a page
  --clients N      clients of the cases backfill (1,000,000), mass-update (300,000) and index (a list: opening alone)
`

const SETTLING_S = 120
const SIDE_S = 15
const STREAMS = [1, 30, 300]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: CASES },
    rates: { type: 'string', default: '0,1,10,100' },
    seconds: { type: 'string', default: '180' },
    latency: { type: 'string', default: '100' },
    clients: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const latencyMs = Number(values.latency)
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
  rig.slowDown(latencyMs)
}

/** Reads per change, latency and what is written to S3, at different rates of changes. */
async function steady(): Promise<void> {
  const environment = { POLL_BACKFILL: 'before', LOG_LEVEL: 'trace' }
  const rig = await openScanRig({ clients: 20_000, latencyMs: 0, environment })
  try {
    await readEverything(rig)
    for (const rate of rates) {
      // The look-backs of the rate before are over.
      const { changes, readPerChange, pages, ...measured } = await measuredAt(rig, {
        rate,
        settlingS: Math.min(SETTLING_S, seconds),
        seconds,
      })
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
        const { changes } = await measuredAt(rig, { rate, settlingS: SIDE_S, seconds })
        print({ case: `busy ${rate}/s`, changes, ...latency(rig), ...(await sideCounts(rig)) })
      }
    } finally {
      await work.end()
    }
  } finally {
    await rig.close()
  }
}

/** Latency of live changes during a backfill. */
async function backfill(clients: number): Promise<void> {
  const rig = await openScanRig({ clients, latencyMs, environment: { LOG_LEVEL: 'trace' } })
  try {
    await rig.changeFor(1, SIDE_S)
    const work = sideWork(rig)
    try {
      for (const rate of rates) {
        const [events, began] = [rig.events(), performance.now()]
        const { changes } = await measuredAt(rig, { rate, settlingS: SIDE_S, seconds })
        const eventsPerSecond = (1000 * (rig.events() - events)) / (performance.now() - began)
        print({
          case: `backfill of ${clients}, ${rate}/s`,
          changes,
          ...latency(rig),
          eventsPerSecond,
          ...(await sideCounts(rig)),
        })
      }
      const { documentBytes, segmentBytes, largestDocument } = writesOf(rig)
      const perEvent = { documentBytes: documentBytes / rig.events(), segmentBytes: segmentBytes / rig.events() }
      print({ case: 'written for each event', ...perEvent, largestDocument })
    } finally {
      await work.end()
    }
  } finally {
    await rig.close()
  }
}

/** Latency of live changes after an update of many clients at once, after two minutes. */
async function massUpdate(clients: number): Promise<void> {
  const environment = { POLL_BACKFILL: 'before', LOG_LEVEL: 'trace' }
  const rig = await openScanRig({ clients, latencyMs: 0, environment })
  try {
    await readEverything(rig)
    const before = rig.events()
    rig.simulator.massUpdate(clients)
    await rig.changeFor(1, SETTLING_S)
    rig.startMeasuring()
    const changes = await rig.changeFor(1, seconds)
    const published = rig.events() - before
    const { largestDocument } = writesOf(rig)
    print({ case: `after an update of ${clients}`, changes, ...latency(rig), published, largestDocument })
  } finally {
    await rig.close()
  }
}

function print(figures: object): void {
  console.log(
    JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)),
  )
}
