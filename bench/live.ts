import { parseArgs } from 'node:util'
import { closeStack } from '../connector/runtime/close-stack.ts'
import { openLiveRig } from './parts/live-rig.ts'
import { print } from './parts/rig.ts'

/**
 * Measures live changes: latency, CPU and memory, with pages of 100 clients. The cases: steady (nothing else happens),
 * backfill (during the first scan), mass-update (after one).
 * `npm run bench:live [-- --only CASE… --rates 0,1,10,100 --seconds 180 --latency 100 --clients N]`
 */

const SETTLING_S = 120
const FIRST_S = 15

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: ['steady', 'backfill', 'mass-update'] },
    rates: { type: 'string', default: '0,1,10,100' },
    seconds: { type: 'string', default: '180' },
    latency: { type: 'string', default: '100' },
    clients: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const latencyMs = Number(values.latency)
const rates = values.rates.split(',').map(Number)
const cases: Readonly<Record<string, () => Promise<void>>> = { steady, backfill, 'mass-update': massUpdate }

for (const name of values.only) {
  const measure = cases[name]
  if (measure === undefined) throw new Error(`unknown case ${name}: must be one of ${Object.keys(cases)}`)
  await measure()
}

async function steady(): Promise<void> {
  await using closing = closeStack()
  const rig = await openLiveRig(closing, 20_000, 'before')
  await rig.caughtUp()
  rig.slowDown(latencyMs)
  for (const rate of rates) {
    await rig.changeFor(rate, Math.min(SETTLING_S, seconds)) // the look-backs of the rate before are over
    print({ case: `steady, ${rate}/s`, ...(await rig.measured(rate, seconds)) })
  }
}

async function backfill(): Promise<void> {
  const clients = Number(values.clients ?? 1_000_000)
  await using closing = closeStack()
  const rig = await openLiveRig(closing, clients, 'beside')
  rig.slowDown(latencyMs)
  await rig.changeFor(1, FIRST_S)
  for (const rate of rates) print({ case: `backfill of ${clients}, ${rate}/s`, ...(await rig.measured(rate, seconds)) })
}

async function massUpdate(): Promise<void> {
  const clients = Number(values.clients ?? 300_000)
  await using closing = closeStack()
  const rig = await openLiveRig(closing, clients, 'before')
  await rig.caughtUp()
  rig.slowDown(latencyMs)
  rig.massUpdate(clients)
  await rig.changeFor(1, SETTLING_S)
  print({ case: `after an update of ${clients}`, ...(await rig.measured(1, seconds)) })
}
