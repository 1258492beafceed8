import { parseArgs } from 'node:util'
import { type ChaosOptions, chaosRun } from './chaos-run.ts'
import { type Lane, lanes, usualLanes } from './fault-plan.ts'

const usage = `usage: npm run chaos -- [--minutes 10] [--seed 7] [--copies 1|3] [--lanes replicas,brokers,network]

--lanes: which faults are injected; server: the source restarts badly, again and again

Runs three replicas while replicas, brokers, networks and clocks fail, then checks the topics against the source.
Exits with 1 if a check fails. Details: test/chaos/README.md`

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    minutes: text,
    seed: text,
    copies: text,
    lanes: text,
    help: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const copies = Number(values.copies ?? 3)
const chosen = (values.lanes ?? usualLanes.join()).split(',') as Lane[]

if (values.help) {
  console.log(usage)
} else if (
  minutes > 0 &&
  Number.isSafeInteger(seed) &&
  chosen.every((lane) => lanes.includes(lane)) &&
  (copies === 1 || copies === 3)
) {
  await run({ seed, lengthMs: minutes * 60_000, copies, chosen })
} else {
  console.error(usage)
  process.exitCode = 2
}

async function run(options: ChaosOptions): Promise<void> {
  const { problems, summary, folder } = await chaosRun({ ...options, print: console.log })
  console.log(`\n${summary}\n${folder}`)
  for (const problem of problems.slice(0, 20)) console.error(problem)
  if (problems.length === 0) return
  const command = `npm run chaos -- --minutes ${minutes} --seed ${seed} --copies ${copies} --lanes ${chosen}`
  console.error(`${problems.length} problems; to repeat: ${command}`)
  process.exitCode = 1
}
