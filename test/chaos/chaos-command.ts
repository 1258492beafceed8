import { parseArgs } from 'node:util'
import { type ChaosOptions, chaosRun } from './chaos-run.ts'

const usage = `usage: npm run chaos -- [--minutes 10] [--seed 7]

Runs three replicas while replicas, brokers, networks and clocks fail, then checks the topics against the source.
Exits with 1 if a check fails. Details: test/chaos/README.md`

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    minutes: text,
    seed: text,
    help: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))

if (values.help) {
  console.log(usage)
} else if (minutes > 0 && Number.isSafeInteger(seed)) {
  await run({ seed, lengthMs: minutes * 60_000 })
} else {
  console.error(usage)
  process.exitCode = 2
}

async function run(options: ChaosOptions): Promise<void> {
  const { problems, summary, folder } = await chaosRun({ ...options, print: console.log })
  console.log(`\n${summary}\n${folder}`)
  for (const problem of problems.slice(0, 20)) console.error(problem)
  if (problems.length === 0) return
  const command = `npm run chaos -- --minutes ${minutes} --seed ${seed}`
  console.error(`${problems.length} problems; to repeat: ${command}`)
  process.exitCode = 1
}
