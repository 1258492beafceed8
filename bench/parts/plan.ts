import { parseArgs } from 'node:util'

/** One measurement: a first scan of `clients` clients. */
export interface Case {
  /** Output, limit and, unless 0, the latency of each response: `json-1000`, `json-100-100ms`. */
  readonly name: string
  readonly output: 'xml' | 'json'
  readonly limit: number
  readonly latencyMs: number
  readonly clients: number
}

export interface Plan {
  /** `memory`: the memory of the connector over one long scan, without the limits. */
  readonly measures: 'rates' | 'memory'
  readonly cases: readonly Case[]
  readonly rounds: number
  readonly format: 'table' | 'json'
  /** Node.js flags of the connector process. */
  readonly nodeFlags: readonly string[]
  /** Folder for the CPU profile of each connector process. */
  readonly profileInto: string | undefined
}

/**
 * Half the memory for a quarter more CPU. By default the young generation grows to 128 MB and the old one to four times
 * the live data.
 */
export const LOW_MEMORY_FLAGS = '--max-semi-space-size=16 --heap-growing-percent=60 --no-parallel-scavenge'

const CASES: readonly Omit<Case, 'name'>[] = [
  { output: 'json', limit: 100, latencyMs: 0, clients: 40_000 },
  { output: 'json', limit: 1000, latencyMs: 0, clients: 80_000 },
  { output: 'xml', limit: 100, latencyMs: 0, clients: 25_000 },
  { output: 'xml', limit: 1000, latencyMs: 0, clients: 40_000 },
  { output: 'json', limit: 100, latencyMs: 100, clients: 8_000 },
  { output: 'xml', limit: 100, latencyMs: 100, clients: 8_000 },
  { output: 'json', limit: 1000, latencyMs: 100, clients: 60_000 },
  // A page about as large as the limit of nodes allows, and a small one.
  { output: 'json', limit: 15_000, latencyMs: 0, clients: 18_000 },
  { output: 'xml', limit: 15_000, latencyMs: 0, clients: 18_000 },
]
const SOAK = { only: ['json-1000'], clients: '1000000' }

export const HELP = `Measures a first scan of the built connector (exactly-once) on a real broker and a real S3 server. Compares it with two
limits, measured in the same round: reading the pages only, and publishing the records only.

npm run bench -- [options]

  --only NAME      measure this case only (repeatable): ${caseNames().join(', ')}
  --clients N      number of clients, instead of that of the case
  --rounds 2       measurements per case
  --soak           measure memory over one first scan of a million clients (or --clients), of json-1000 or --only
  --node-flags S   Node.js flags of the connector, instead of ${LOW_MEMORY_FLAGS}
  --profile DIR    write CPU profiles of the connector to this folder
  --json           print the figures as JSON
`

/** Parses the arguments; undefined when they ask for help. Throws when a case is unknown. */
export function planOf(args: string[]): Plan | undefined {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true },
      clients: { type: 'string' },
      rounds: { type: 'string' },
      soak: { type: 'boolean', default: false },
      'node-flags': { type: 'string', default: LOW_MEMORY_FLAGS },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { only, clients } = { ...(values.soak ? SOAK : {}), ...values }
  return {
    measures: values.soak ? 'memory' : 'rates',
    cases: casesNamed(only).map((one) => ({ ...one, clients: clients === undefined ? one.clients : Number(clients) })),
    rounds: Number(values.rounds ?? 2),
    format: values.json ? 'json' : 'table',
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
    profileInto: values.profile,
  }
}

function casesNamed(names: readonly string[] | undefined): Case[] {
  const all = CASES.map((one) => ({ ...one, name: nameOf(one) }))
  const unknown = names?.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) throw new Error(`unknown case ${unknown}; must be one of ${caseNames().join(', ')}`)
  return all.filter(({ name }) => names?.includes(name) ?? true)
}

function caseNames(): string[] {
  return CASES.map(nameOf)
}

function nameOf({ output, limit, latencyMs }: Omit<Case, 'name'>): string {
  return `${output}-${limit}${latencyMs === 0 ? '' : `-${latencyMs}ms`}`
}
