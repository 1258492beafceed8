import fc from 'fast-check'
import { faultsOf } from './check-history.ts'
import { type HistoryOptions, runHistory } from './history.ts'
import type { Surgery } from './surgery.ts'

const noon = Date.parse('2026-06-15T10:00:00Z')
/** Two minutes before the clocks go back in Paris. */
const autumn = Date.parse('2026-10-25T00:58:00Z')

/** Every setting may be drawn; the simplest stands first. */
const anyHistory = {
  tape: fc.array(fc.nat(100_000), { minLength: 20, maxLength: 400, size: 'max' }),
  replicas: fc.constantFrom(2, 3, 1),
  streams: fc.constantFrom(1, 2, 3),
  modificationTime: fc.constantFrom('shown', 'hidden'),
  tail: fc.constantFrom('overlap', 'checkpoint'),
  overlapMs: fc.constantFrom(300_000, 20_000),
  delivery: fc.constant('exactly-once'),
  /** Never, after the first drain that brings nothing, after some. */
  idleAfterMs: fc.constantFrom(0, 1, 12_000),
  startAt: fc.constant(noon),
  affliction: fc.constantFrom(
    ...(['none', 'source hangs', 'source fails', 'kafka hangs', 'kafka fails', 'store hangs', 'store fails'] as const),
    'checkpoint damaged',
  ),
  stopAfterSteps: fc.nat(30),
} as const

/** What a history may be, by name. */
export const histories = {
  everyday: fc.record<HistoryOptions>(anyHistory),
  autumn: fc.record<HistoryOptions>({ ...anyHistory, startAt: fc.constant(autumn) }),
  'at-least-once': fc.record<HistoryOptions>({ ...anyHistory, delivery: fc.constant('at-least-once') }),
} as const

export type Kind = keyof typeof histories

export interface Trial {
  readonly kind: Kind
  readonly runs: number
  readonly seed?: number | undefined
  /** Of one history of the seed, as a failure tells it. */
  readonly path?: string | undefined
  readonly surgery?: Surgery
  /** Looks for these faults alone, and takes the first history found, not the smallest. */
  readonly lookingFor?: RegExp
  /** Hears each step of each history. */
  readonly tell?: (line: string) => void
}

/** Undefined, or how the smallest failing history found fails and how it is run again. */
export async function failureOf({
  kind,
  runs,
  seed,
  path,
  surgery,
  tell,
  lookingFor,
}: Trial): Promise<string | undefined> {
  const property = fc.asyncProperty(histories[kind], async (options) => {
    const faults = faultsOf(await runHistory(options, surgery, tell)).filter((fault) => lookingFor?.test(fault) ?? true)
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  const given = { ...(seed === undefined ? {} : { seed }), ...(path === undefined ? {} : { path }) }
  const endOnFailure = lookingFor !== undefined || path !== undefined
  const details = await fc.check(property, { numRuns: runs, endOnFailure, ...given })
  if (!details.failed) return undefined
  const again = `npm run simulate -- --of ${kind} --seed=${details.seed} --path ${details.counterexamplePath}`
  const { message } = details.errorInstance as Error
  return `${message}\n${JSON.stringify(details.counterexample?.[0])}\nafter ${details.numRuns} runs; again: ${again}`
}
