import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { closeStack } from '../connector/runtime/close-stack.ts'
import type { Figures } from './parts/figures.ts'
import { type Case, firstScan } from './parts/first-scan.ts'
import { openRig, print, type Rig, startSimulator } from './parts/rig.ts'

/**
 * Measures a first scan of the built connector on a real broker and a real S3 server, beside a plain loop that reads the
 * same pages. `npm run bench [-- --only CASE… --clients N --rounds 2]`
 */

const CASES: Readonly<Record<string, Case>> = {
  'json-100': { output: 'json', limit: 100, clients: 40_000 },
  'json-1000': { output: 'json', limit: 1000, clients: 80_000 },
  'xml-100': { output: 'xml', limit: 100, clients: 25_000 },
  'xml-1000': { output: 'xml', limit: 1000, clients: 40_000 },
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: Object.keys(CASES) },
    clients: { type: 'string' },
    rounds: { type: 'string', default: '2' },
  },
})
const closing = closeStack()
process.once('SIGINT', () => void closing.close().finally(() => process.exit(130)))
try {
  const rig = await openRig(closing)
  for (const name of values.only) {
    const found = CASES[name]
    if (found === undefined) throw new Error(`unknown case ${name}: must be one of ${Object.keys(CASES)}`)
    await measure(rig, name, { ...found, clients: Number(values.clients ?? found.clients) })
  }
} finally {
  await closing.close()
}

/** Prints the figures of the loop and of the connector, which run one after the other in each round. */
async function measure(servers: Rig, name: string, one: Case): Promise<void> {
  const source = await startSimulator(['--bench', '--clients', String(one.clients)], servers.folder)
  try {
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const walk = await walked({ ...one, url: source.url })
      const connector = await firstScan(servers, { ...one, url: source.url, id: `${name}-${round}` })
      print({ case: name, round, clients: one.clients, connector, walk })
    }
  } finally {
    await source.close()
  }
}

/** Runs the loop in a separate process, which prints its figures. */
async function walked(order: Case & { readonly url: string }): Promise<Figures> {
  const script = new URL('parts/walk.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', script, JSON.stringify(order)])
  return JSON.parse(stdout)
}
