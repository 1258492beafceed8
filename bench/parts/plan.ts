import { parseArgs } from 'node:util'

/** One thing that is measured: a first drain of so many clients. */
export interface Case {
  /** `json-1000`, `json-100-100ms`: output, limit, and the latency of every answer unless it is 0. */
  readonly name: string
  readonly output: 'xml' | 'json'
  readonly limit: number
  readonly latencyMs: number
  readonly clients: number
}

export interface Plan {
  /** `memory`: of the connector alone, over one long drain. */
  readonly measures: 'rates' | 'memory'
  readonly cases: readonly Case[]
  readonly rounds: number
  readonly format: 'table' | 'json'
  /** What `node` is told before the connector's main file. */
  readonly nodeFlags: readonly string[]
  /** Writes a CPU profile of each connector here. */
  readonly profileInto: string | undefined
}

/** Half the memory for a quarter more CPU: by default the young generation grows to 128 MB and the old one to four times what lives. */
export const CALM_MEMORY = '--max-semi-space-size=16 --heap-growing-percent=30 --no-parallel-scavenge'

const CASES: readonly Omit<Case, 'name'>[] = [
  { output: 'json', limit: 100, latencyMs: 0, clients: 40_000 },
  { output: 'json', limit: 1000, latencyMs: 0, clients: 80_000 },
  { output: 'xml', limit: 100, latencyMs: 0, clients: 25_000 },
  { output: 'xml', limit: 1000, latencyMs: 0, clients: 40_000 },
  { output: 'json', limit: 100, latencyMs: 100, clients: 8_000 },
  { output: 'xml', limit: 100, latencyMs: 100, clients: 8_000 },
  { output: 'json', limit: 1000, latencyMs: 100, clients: 60_000 },
]
const SOAK: Case = { name: 'soak', output: 'json', limit: 1000, latencyMs: 0, clients: 1_000_000 }

export const HELP = `Measures the built connector, exactly once, on a real broker and a real S3 server, beside two limits of the same run.

npm run bench -- [options]

  --only NAME      one case (may be repeated): ${caseNames().join(', ')}
  --clients N      another number of clients
  --rounds 2       how often each case is measured
  --soak           one first drain of a million clients (or --clients), json, limit 1000: memory over time
  --node-flags S   flags of node for the connector, instead of ${CALM_MEMORY}
  --profile DIR    writes CPU profiles of the connector
  --json           figures as JSON
`

/** What the arguments ask for; undefined: help. Throws when a case is not known. */
export function planOf(args: string[]): Plan | undefined {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true },
      clients: { type: 'string' },
      rounds: { type: 'string' },
      soak: { type: 'boolean', default: false },
      'node-flags': { type: 'string', default: CALM_MEMORY },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const wanted = values.soak ? [SOAK] : casesNamed(values.only)
  const clients = values.clients === undefined ? undefined : Number(values.clients)
  return {
    measures: values.soak ? 'memory' : 'rates',
    cases: wanted.map((one) => ({ ...one, clients: clients ?? one.clients })),
    rounds: Number(values.rounds ?? 2),
    format: values.json ? 'json' : 'table',
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
    profileInto: values.profile,
  }
}

function casesNamed(names: readonly string[] | undefined): Case[] {
  const all = CASES.map((one) => ({ ...one, name: nameOf(one) }))
  const unknown = names?.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) throw new Error(`no case ${unknown}; there are ${caseNames().join(', ')}`)
  return all.filter(({ name }) => names?.includes(name) ?? true)
}

function caseNames(): string[] {
  return CASES.map(nameOf)
}

function nameOf({ output, limit, latencyMs }: Omit<Case, 'name'>): string {
  return `${output}-${limit}${latencyMs === 0 ? '' : `-${latencyMs}ms`}`
}
