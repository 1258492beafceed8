import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventsOf, type StreamEvidence } from './checker.ts'
import type { PlannedFault } from './fault-plan.ts'
import { faultTally } from './fault-tally.ts'

/** Writes down what happens while it happens, so that a run that breaks off leaves its traces too. */
export interface ChaosRecord {
  /** From now on `sinceBegin` counts. */
  begin(): void
  /** Milliseconds. */
  sinceBegin(): number
  note(what: string, tookMs: number): void
  /** Writes down when a fault really began and ended; rejects as `carried` does. */
  fault(planned: PlannedFault, carried: Promise<string>): Promise<void>
  /** Whether too few faults came as planned. */
  faultProblems(): string[]
  end(found: Found): { readonly summary: string; readonly folder: string }
}

interface Found {
  readonly evidence: readonly StreamEvidence[]
  readonly problems: readonly string[]
  readonly outputs: readonly { readonly name: string; readonly output: string }[]
}

interface RunPlan {
  readonly seed: number
  readonly lengthMs: number
  readonly plan: readonly PlannedFault[]
  readonly tell: (line: string) => void
}

export function chaosRecord({ seed, lengthMs, plan, tell }: RunPlan): ChaosRecord {
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-seed-${seed}`
  const folder = fileURLToPath(new URL(`../../.cache/chaos/${name}`, import.meta.url))
  mkdirSync(folder, { recursive: true })
  const minutes = lengthMs / 60_000
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ seed, minutes, plan }, undefined, 1))
  let begunAt = performance.now()
  const sinceBegin = () => Math.round(performance.now() - begunAt)
  const tally = faultTally(plan.map(({ fault }) => fault))
  const write = (line: Record<string, unknown>) => {
    appendFileSync(join(folder, 'faults.jsonl'), `${JSON.stringify({ at: new Date(), ms: sinceBegin(), ...line })}\n`)
  }
  return {
    begin: () => {
      begunAt = performance.now()
    },
    sinceBegin,
    note: (what, tookMs) => write({ what, tookMs }),
    fault: async ({ lane, fault }, carried) => {
      write({ lane, ...fault, what: 'begins' })
      tell(`${seconds(sinceBegin())}  ${described(fault)}`)
      const outcome = await carried.catch((error: Error) => error)
      write({ lane, kind: fault.kind, what: 'ends', outcome: String(outcome) })
      if (outcome instanceof Error) throw outcome
      tally.count(fault, outcome)
    },
    faultProblems: tally.problems,
    end: (found) => {
      writeFileSync(join(folder, 'problems.txt'), found.problems.map((problem) => `${problem}\n`).join(''))
      for (const { name, output } of found.outputs) writeFileSync(join(folder, `${name}.log`), output)
      writeFileSync(join(folder, 'events.jsonl'), eventLines(found.evidence))
      const faults = tally.lines().map((line) => `  ${line}`)
      const head = `seed ${seed}, ${minutes} minutes of faults, had as planned:`
      const summary = [head, ...faults, figures(found)].join('\n')
      writeFileSync(join(folder, 'summary.txt'), `${summary}\n`)
      return { summary, folder }
    },
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1).padStart(6)} s`

function described({ kind, ...rest }: PlannedFault['fault']): string {
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(', ')
}

/** Ids, versions and numbers only. */
function eventLines(evidence: readonly StreamEvidence[]): string {
  const lines = evidence.flatMap(({ stream, logs }) =>
    eventsOf(logs).events.map((event) =>
      JSON.stringify({ stream, ...event }, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    ),
  )
  return lines.map((line) => `${line}\n`).join('')
}

function figures({ evidence, problems, outputs }: Found): string {
  const logs = evidence.flatMap((one) => one.logs)
  const seqs = evidence.map((one) => Math.max(0, ...one.checkpoints.map(({ committed }) => committed.seq)))
  const lines = outputs.flatMap(({ output }) => output.split('\n'))
  const told = (message: RegExp) => lines.filter((line) => message.test(line)).length
  const figures = {
    changes: evidence[0]?.changes.length ?? 0,
    events: eventsOf(logs).events.length,
    transactions: seqs.reduce((sum, seq) => sum + seq, 0),
    'aborted in partitions': logs.reduce((sum, { aborted }) => sum + aborted.size, 0),
    'checkpoint versions': evidence.reduce((sum, { checkpoints }) => sum + checkpoints.length, 0),
    openings: told(/"msg":"(new )?stream claimed"/),
    'of them after another process': told(/"msg":"stream goes on where another process left it"/),
    'fenced owners': told(/"msg":"stream lost to another replica"/),
    problems: problems.length,
  }
  return Object.entries(figures)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}
