import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventsOf, type StreamEvidence } from './checker.ts'
import type { PlannedFault } from './fault-plan.ts'
import { faultTally } from './fault-tally.ts'

/** Records a run as it proceeds, so that an interrupted run leaves its traces too. */
export interface ChaosRecord {
  /** Starts the clock of `elapsedMs`. */
  begin(): void
  elapsedMs(): number
  milestone(what: string, tookMs: number): void
  /** Records the real start and end of a fault; rejects as `injection` does. */
  fault(planned: PlannedFault, injection: Promise<string>): Promise<void>
  /** Reports that too few faults were injected as planned. */
  faultProblems(): string[]
  end(result: RunResult): { readonly summary: string; readonly folder: string }
}

interface RunResult {
  readonly evidence: readonly StreamEvidence[]
  readonly problems: readonly string[]
  readonly outputs: readonly { readonly name: string; readonly output: string }[]
}

interface RunPlan {
  readonly seed: number
  readonly lengthMs: number
  readonly plan: readonly PlannedFault[]
  readonly print: (line: string) => void
}

export function chaosRecord({ seed, lengthMs, plan, print }: RunPlan): ChaosRecord {
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-seed-${seed}`
  const folder = fileURLToPath(new URL(`../../.cache/chaos/${name}`, import.meta.url))
  mkdirSync(folder, { recursive: true })
  const minutes = lengthMs / 60_000
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ seed, minutes, plan }, undefined, 1))
  let startedAt = performance.now()
  const elapsedMs = () => Math.round(performance.now() - startedAt)
  const tally = faultTally(plan.map(({ fault }) => fault))
  const write = (line: Record<string, unknown>) => {
    appendFileSync(join(folder, 'faults.jsonl'), `${JSON.stringify({ at: new Date(), ms: elapsedMs(), ...line })}\n`)
  }
  return {
    begin: () => {
      startedAt = performance.now()
    },
    elapsedMs,
    milestone: (what, tookMs) => write({ what, tookMs }),
    fault: async ({ lane, fault }, injection) => {
      write({ lane, ...fault, what: 'start' })
      print(`${seconds(elapsedMs())}  ${described(fault)}`)
      const outcome = await injection.catch((error: Error) => error)
      write({ lane, kind: fault.kind, what: 'end', outcome: String(outcome) })
      if (outcome instanceof Error) throw outcome
      tally.count(fault, outcome)
    },
    faultProblems: tally.problems,
    end: (result) => {
      writeFileSync(join(folder, 'problems.txt'), result.problems.map((problem) => `${problem}\n`).join(''))
      for (const { name, output } of result.outputs) writeFileSync(join(folder, `${name}.log`), output)
      const faults = tally.lines().map((line) => `  ${line}`)
      const head = `seed ${seed}, ${minutes} minutes of faults, injected as planned:`
      const summary = [head, ...faults, figures(result)].join('\n')
      writeFileSync(join(folder, 'summary.txt'), `${summary}\n`)
      return { summary, folder }
    },
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1).padStart(6)} s`

function described({ kind, ...rest }: PlannedFault['fault']): string {
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(', ')
}

function figures({ evidence, problems, outputs }: RunResult): string {
  const logs = evidence.flatMap((one) => one.logs)
  const { events, tombstones } = eventsOf(logs)
  const seqs = evidence.map((one) => Math.max(0, ...one.checkpoints.map(({ committed }) => committed.seq)))
  const lines = outputs.flatMap(({ output }) => output.split('\n'))
  const linesWith = (message: RegExp) => lines.filter((line) => message.test(line)).length
  const figures = {
    changes: evidence[0]?.changes.length ?? 0,
    events: events.length,
    republished: events.filter(({ republished }) => republished !== undefined).length,
    tombstones,
    transactions: seqs.reduce((sum, seq) => sum + seq, 0),
    'aborted transactions per partition': logs.reduce((sum, { aborted }) => sum + aborted.size, 0),
    'checkpoint versions': evidence.reduce((sum, { checkpoints }) => sum + checkpoints.length, 0),
    openings: linesWith(/"msg":"(new )?stream claimed"/),
    'of them takeovers': linesWith(/"msg":"stream taken over from another process"/),
    'fenced owners': linesWith(/"msg":"stream lost to another replica"/),
    problems: problems.length,
  }
  return Object.entries(figures)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}
