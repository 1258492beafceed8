import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { chaosRun } from './chaos-run.ts'

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Long enough for each kind of fault. */
const minutes = 0.75

it(`replicas, brokers, networks and clocks fail, and nothing is lost, doubled or out of order (seed ${seed})`, async () => {
  const { problems, summary, folder } = await chaosRun({ seed, lengthMs: minutes * 60_000 })
  console.log(summary)
  const again = `npm run chaos -- --minutes ${minutes} --seed ${seed}`
  expect(problems.slice(0, 20), `${problems.length} problems; ${again}; what happened is in ${folder}`).toEqual([])
  rmSync(folder, { recursive: true })
})
