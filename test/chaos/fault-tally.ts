import type { Fault } from './fault-plan.ts'

/** Counts the faults that were injected as planned: a run that missed most of them proves nothing. */
export interface FaultTally {
  /** `outcome`: what `injectFault` resolved to. */
  count(fault: Fault, outcome: string): void
  /** One line per kind. */
  lines(): string[]
  /** Reports that too few faults were injected. */
  problems(): string[]
}

/** Required share of the started faults that were injected as planned. */
const ENOUGH = 2 / 3
/** A kind that was started this often and never injected counts as broken. */
const TRIES = 3

interface Tally {
  planned: number
  injected: number
  /** Outcomes of the faults that were not injected, and how often. */
  readonly missed: Map<string, number>
}

export function faultTally(plan: readonly Fault[]): FaultTally {
  const kinds = new Map<string, Tally>()
  const of = (fault: Fault) => {
    const kind = kindOf(fault)
    const tally = kinds.get(kind) ?? { planned: 0, injected: 0, missed: new Map() }
    kinds.set(kind, tally)
    return tally
  }
  for (const fault of plan) of(fault).planned += 1
  return {
    count: (fault, outcome) => {
      const tally = of(fault)
      if (!outcome.startsWith('not ')) tally.injected += 1
      else tally.missed.set(outcome, (tally.missed.get(outcome) ?? 0) + 1)
    },
    lines: () => [...kinds].sort(([one], [other]) => (one < other ? -1 : 1)).map(([kind, tally]) => line(kind, tally)),
    problems: () => {
      const never = [...kinds].filter(([, tally]) => tally.injected === 0 && missedOf(tally) >= TRIES)
      const injected = sum([...kinds.values()].map((tally) => tally.injected))
      const started = injected + sum([...kinds.values()].map(missedOf))
      return [
        ...never.map(([kind, tally]) => `faults: "${kind}" was tried ${missedOf(tally)} times and never injected`),
        ...(injected >= ENOUGH * started ? [] : [`faults: only ${injected} of ${started} were injected as planned`]),
      ]
    },
  }
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, one) => all + one, 0)
const missedOf = ({ missed }: Tally) => sum(missed.values())

function line(kind: string, tally: Tally): string {
  const { planned, injected, missed } = tally
  const reasons = [...missed].map(([outcome, count]) => `${count} ${outcome}`)
  const notStarted = planned - injected - missedOf(tally)
  if (notStarted > 0) reasons.push(`${notStarted} not started or failed`)
  return `${kind}: ${injected} of ${planned}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
}

function kindOf(fault: Fault): string {
  const more = ['link', 'how', 'point'].flatMap((name) => (name in fault ? [Reflect.get(fault, name)] : []))
  return [fault.kind, ...more].join(', ')
}
