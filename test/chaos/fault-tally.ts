import type { Fault } from './fault-plan.ts'

/** Counts how the planned faults went, so that a run in which most missed their moment does not look like one that was survived. */
export interface FaultTally {
  /** `outcome`: what `injectFault` resolved to. */
  count(fault: Fault, outcome: string): void
  /** A line for each kind. */
  lines(): string[]
  /** What makes the run worth too little. */
  problems(): string[]
}

/** Of all faults that were begun, so many must be had as planned. */
const ENOUGH = 2 / 3
/** A kind that was tried so often and never had is broken. */
const TRIES = 3

interface Tally {
  planned: number
  had: number
  /** Why not, and how often. */
  readonly missed: Map<string, number>
}

export function faultTally(plan: readonly Fault[]): FaultTally {
  const kinds = new Map<string, Tally>()
  const of = (fault: Fault) => {
    const kind = kindOf(fault)
    const tally = kinds.get(kind) ?? { planned: 0, had: 0, missed: new Map() }
    kinds.set(kind, tally)
    return tally
  }
  for (const fault of plan) of(fault).planned += 1
  return {
    count: (fault, outcome) => {
      const tally = of(fault)
      if (!outcome.startsWith('not ')) tally.had += 1
      else tally.missed.set(outcome, (tally.missed.get(outcome) ?? 0) + 1)
    },
    lines: () => [...kinds].sort(([one], [other]) => (one < other ? -1 : 1)).map(([kind, tally]) => line(kind, tally)),
    problems: () => {
      const never = [...kinds].filter(([, { planned, had }]) => planned >= TRIES && had === 0)
      const had = sum([...kinds.values()].map((tally) => tally.had))
      const begun = had + sum([...kinds.values()].map(missedOf))
      return [
        ...never.map(([kind, { planned }]) => `the faults: «${kind}» was planned ${planned} times and never had`),
        ...(had >= ENOUGH * begun ? [] : [`the faults: only ${had} of ${begun} were had as planned`]),
      ]
    },
  }
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, one) => all + one, 0)
const missedOf = ({ missed }: Tally) => sum(missed.values())

function line(kind: string, tally: Tally): string {
  const { planned, had, missed } = tally
  const why = [...missed].map(([outcome, count]) => `${count} ${outcome}`)
  const notBegun = planned - had - missedOf(tally)
  if (notBegun > 0) why.push(`${notBegun} not begun, or failed`)
  return `${kind}: ${had} of ${planned}${why.length > 0 ? ` (${why.join('; ')})` : ''}`
}

function kindOf(fault: Fault): string {
  const more = ['way', 'how', 'moment'].flatMap((name) => (name in fault ? [Reflect.get(fault, name)] : []))
  return [fault.kind, ...more].join(', ')
}
