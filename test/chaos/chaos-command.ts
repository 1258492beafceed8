import { parseArgs } from 'node:util'
import { type ChaosOptions, chaosRun } from './chaos-run.ts'

const usage = `usage: npm run chaos -- [--minutes 10] [--seed 7] [--brokers 1|3] [--copies 1|3] [--delivery exactly-once|at-least-once]
Ends with 1 when anything did not hold. What it does: test/chaos/README.md`

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    minutes: text,
    seed: text,
    brokers: text,
    copies: text,
    delivery: text,
    help: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const brokers = Number(values.brokers ?? 3)
const copies = Number(values.copies ?? brokers)
const { delivery = 'exactly-once' } = values

if (values.help) {
  console.log(usage)
} else if (
  minutes > 0 &&
  Number.isSafeInteger(seed) &&
  (brokers === 1 || brokers === 3) &&
  (copies === 1 || copies === brokers) &&
  (delivery === 'exactly-once' || delivery === 'at-least-once')
) {
  await run({ seed, lengthMs: minutes * 60_000, cluster: { brokers, copies }, delivery })
} else {
  console.error(usage)
  process.exitCode = 2
}

async function run(options: ChaosOptions): Promise<void> {
  const { problems, summary, folder } = await chaosRun({ ...options, tell: console.log })
  console.log(`\n${summary}\n${folder}`)
  for (const problem of problems.slice(0, 20)) console.error(problem)
  if (problems.length === 0) return
  const cluster = `--brokers ${brokers} --copies ${copies}`
  const again = `npm run chaos -- --minutes ${minutes} --seed ${seed} ${cluster} --delivery ${delivery}`
  console.error(`${problems.length} problems; again: ${again}`)
  process.exitCode = 1
}
