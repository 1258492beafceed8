import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/** `npm run simulate -- --runs 20000 --seed 7`: the simulation of `make test`, longer, or one run again. */
const { values } = parseArgs({ options: { runs: { type: 'string' }, seed: { type: 'string' } } })
const { runs = '2000', seed } = values
const environment = { ...process.env, SIMULATION_RUNS: runs, ...(seed === undefined ? {} : { SIMULATION_SEED: seed }) }
const vitest = [
  'vitest',
  'run',
  '--project',
  'simulation',
  '--reporter',
  'verbose',
  'test/simulation/histories.test.ts',
]
const { status } = spawnSync('npx', vitest, { env: environment, stdio: 'inherit' })
process.exitCode = status ?? 1
