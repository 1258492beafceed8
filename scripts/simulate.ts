import { parseArgs } from 'node:util'
import { failureOf, histories, type Kind } from '../test/simulation/histories.ts'

/**
 * `npm run simulate -- --runs 20000 --seed 7` runs the histories of `make test`, but more of them.
 * Reports after each thousand histories of a kind, which have a seed of their own. With `--first`, reports the first
 * failing history without looking for a smaller one. With `--path`, repeats one history and prints each step.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
    of: { type: 'string' },
    first: { type: 'boolean' },
  },
})
const { runs = '2000', seed, path, of, first } = values
const kinds = Object.keys(histories) as Kind[]
const chosen = of === undefined ? kinds : kinds.filter((kind) => kind === of)
if (chosen.length === 0) throw new Error(`--of must be one of ${kinds.join(', ')}`)

const AT_ONCE = 1_000
const perKind = path === undefined ? Math.ceil(Number(runs) / chosen.length) : 1
const firstSeed = seed === undefined ? Date.now() % 2 ** 31 : Number(seed)

for (const kind of chosen) {
  const startedAt = performance.now()
  for (let done = 0, part = 0; done < perKind && process.exitCode === undefined; part += 1) {
    const count = Math.min(AT_ONCE, perKind - done)
    const failure = await failureOf({
      kind,
      runs: count,
      seed: firstSeed + part,
      path,
      ...(first === true ? { lookingFor: /./ } : {}),
      ...(path === undefined ? {} : { log: (line: string) => console.log(line) }),
    })
    done += count
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${kind}: ${failure ?? `${done} of ${perKind} without a violation`} (${seconds} s)`)
    if (failure !== undefined) process.exitCode = 1
  }
}
