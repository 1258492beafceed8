import { parseArgs } from 'node:util'
import { failureOf, histories, type Kind } from '../test/simulation/histories.ts'

/**
 * `npm run simulate -- --runs 20000 --seed 7` runs the histories of `make test`, but more of them.
 * With `--first`, reports the first failing history without looking for a smaller one. With `--path`, repeats one history and prints each step.
 */
const { values } = parseArgs({
  options: {
    ...{ runs: { type: 'string' }, seed: { type: 'string' }, path: { type: 'string' }, of: { type: 'string' } },
    first: { type: 'boolean' },
  },
})
const { runs = '2000', seed, path, of, first } = values
const kinds = Object.keys(histories) as Kind[]
const chosen = of === undefined ? kinds : kinds.filter((kind) => kind === of)
if (chosen.length === 0) throw new Error(`--of must be one of ${kinds.join(', ')}`)

for (const kind of chosen) {
  const startedAt = performance.now()
  const failure = await failureOf({
    kind,
    runs: Math.ceil(Number(runs) / chosen.length),
    seed: seed === undefined ? undefined : Number(seed),
    path,
    ...(first === true ? { lookingFor: /./ } : {}),
    ...(path === undefined ? {} : { log: (line: string) => console.log(line) }),
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${kind}: ${failure ?? 'no violation'} (${seconds} s)`)
  if (failure !== undefined) process.exitCode = 1
}
