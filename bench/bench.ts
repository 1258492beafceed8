import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { type Figures, median, tableOf } from './parts/figures.ts'
import { type Case, firstScan } from './parts/first-scan.ts'
import { openRig, type Rig, startSimulator } from './parts/rig.ts'

const CASES: Readonly<Record<string, Case>> = {
  'json-100': { output: 'json', limit: 100, clients: 40_000 },
  'json-1000': { output: 'json', limit: 1000, clients: 80_000 },
  'xml-100': { output: 'xml', limit: 100, clients: 25_000 },
  'xml-1000': { output: 'xml', limit: 1000, clients: 40_000 },
}

const HELP = `Measures a first scan of the built connector on a real broker and a real S3 server, beside a plain loop that reads
the same pages.

npm run bench -- [options]

  --only NAME    measure this case only (repeatable): ${Object.keys(CASES).join(', ')}
  --clients N    number of clients, instead of that of the case
  --rounds 2     measurements per case
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      clients: { type: 'string' },
      rounds: { type: 'string', default: '2' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const { only = Object.keys(CASES), clients } = values
  const rig = await openRig()
  process.once('SIGINT', () => void rig.close().finally(() => process.exit(130)))
  try {
    const rows: Parameters<typeof tableOf>[0][number][] = []
    for (const name of only) {
      const found = CASES[name]
      if (found === undefined) throw new Error(`unknown case ${name}: see --help`)
      const one = { ...found, clients: Number(clients ?? found.clients) }
      rows.push({ name, clients: one.clients, ...(await measured(rig, one, { name, rounds: Number(values.rounds) })) })
    }
    if (rows.length > 0) console.log(`\n${tableOf(rows)}`)
  } finally {
    await rig.close()
  }
}

/** Measures the loop and the connector, one after the other, in each round. */
async function measured(rig: Rig, one: Case, { name, rounds }: { name: string; rounds: number }) {
  const source = await startSimulator(['--bench', '--clients', String(one.clients)], rig.folder)
  const [walks, scans]: [Figures[], Figures[]] = [[], []]
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const walk = await walked({ ...one, url: source.url })
      const figures = await firstScan(rig, { ...one, url: source.url, id: `${name}-${round}` })
      walks.push(walk)
      scans.push(figures)
      console.error(`${name}: ${lineOf(figures)}; walk: ${lineOf(walk)}`)
    }
  } finally {
    await source.close()
  }
  return { connector: median(scans), walk: median(walks) }
}

/** Runs the loop in a separate process, which prints its figures. */
async function walked(order: Case & { readonly url: string }): Promise<Figures> {
  const script = new URL('parts/walk.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', script, JSON.stringify(order)])
  return JSON.parse(stdout)
}

const lineOf = ({ perSecond, cpuPerMillion, peakMegabytes }: Figures) =>
  `${Math.round(perSecond)} clients/s, ${cpuPerMillion.toFixed(1)} CPU s per million, peak ${Math.round(peakMegabytes)} MB`

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
