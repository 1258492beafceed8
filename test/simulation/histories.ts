import fc from 'fast-check'
import { choiceOf, crossedChoiceOf } from './actions.ts'
import { violationsOf } from './check-history.ts'
import type { Defects } from './defects.ts'
import { type HistoryOptions, runHistory } from './history.ts'

const noon = Date.parse('2026-06-15T10:00:00Z')
/** Two minutes before the clocks go back in Paris. */
const autumn = Date.parse('2026-10-25T00:58:00Z')

/** The range of every option, the simplest value first. */
const anyHistory = {
  choices: fc.array(fc.nat(100_000), { minLength: 20, maxLength: 400, size: 'max' }),
  replicas: fc.constantFrom(2, 3, 1),
  streams: fc.constantFrom(1, 2, 3),
  scans: fc.constantFrom('current', 'frozen', 'listed'),
  order: fc.constantFrom('oldest first', 'newest first', 'random'),
  modificationTime: fc.constantFrom('shown', 'hidden', 'day'),
  /** Three pages. */
  clients: fc.constant(6),
  actions: fc.constant('some'),
  limit: fc.constantFrom(2, 1),
  overlapMs: fc.constantFrom(15_000, 2_000),
  backfill: fc.constantFrom('beside', 'beside', 'before'),
  fullScanEveryMs: fc.constantFrom(0, 90_000),
  deletions: fc.constant('none'),
  eventMode: fc.constantFrom('structured', 'mixed'),
  clocks: fc.constantFrom('replicas', 'servers'),
  startAt: fc.constantFrom(noon, noon, autumn),
  permanentFault: fc.constantFrom(
    'none',
    'source hangs',
    'source fails',
    'kafka hangs',
    'kafka fails',
    'store hangs',
    'store fails',
    'send fails',
    'checkpoint damaged',
  ),
  stopAfterSteps: fc.nat(30),
} as const

const chosenBy =
  (choice: typeof crossedChoiceOf) =>
  (weight: number, action: Parameters<typeof choice>[0], detail = fc.nat(2_000)) => ({
    weight,
    arbitrary: detail.map((number) => choice(action, number)),
  })
const often = chosenBy(choiceOf)
const rarely = chosenBy(crossedChoiceOf)

/** Few failures, many changes, long scans. */
const longScans = {
  ...anyHistory,
  choices: fc.array(
    fc.oneof(
      often(24, 'answer', fc.constant(0)),
      often(6, 'change'),
      often(6, 'tick'),
      often(1, 'fail'),
      often(1, 'republish'),
    ),
    { minLength: 40, maxLength: 400, size: 'max' },
  ),
  limit: fc.constantFrom(1, 2),
  replicas: fc.constantFrom(1, 2),
  streams: fc.constant(1),
  scans: fc.constantFrom('frozen', 'current', 'listed'),
  permanentFault: fc.constant('none'),
} as const

// biome-ignore format: a list
const requestsAndFaults = [
  'fail', 'recover', 'rewind', 'republish', 'request', 'deleteMany', 'killCommands', 'damage',
  'expire', 'crash', 'startAnother', 'misassign', 'setClock', 'loseMarker', 'deleteOffsets',
  'stall', 'outage', 'arriveLate', 'pause', 'resume', 'spoilWishes', 'erase', 'killErase', 'grow',
] as const

/** Most actions are absent from a history, and the others come more often: what is rare elsewhere meets here. */
const drawnChoices = fc
  .record({
    answers: fc.constantFrom(60, 30, 100),
    disorder: fc.constantFrom(0, 3, 10, 30),
    changes: fc.constantFrom(10, 4, 25),
    ticks: fc.constantFrom(12, 5, 20),
    others: fc.tuple(...requestsAndFaults.map(() => fc.constantFrom(0, 0, 0, 1, 1, 3, 8))),
  })
  .chain(({ answers, disorder, changes, ticks, others }) => {
    const weighted = [
      rarely(answers, 'answer', fc.constant(0)),
      rarely(disorder, 'answer'),
      rarely(changes, 'change'),
      rarely(ticks, 'tick'),
      ...requestsAndFaults.map((action, at) => rarely(others[at] ?? 0, action)),
    ]
    return fc.array(fc.oneof(...weighted), { minLength: 40, maxLength: 400, size: 'max' })
  })

/** Every feature of the connector, with every fault and every command of an operator. */
const crossed = {
  ...anyHistory,
  choices: drawnChoices,
  replicas: fc.constantFrom(2, 1, 3),
  streams: fc.constantFrom(1, 1, 2, 3),
  scans: fc.constantFrom('frozen', 'current', 'listed'),
  clients: fc.constantFrom(6, 4, 14),
  limit: fc.constantFrom(2, 1, 5),
  actions: fc.constant('all'),
  fullScanEveryMs: fc.constantFrom(20_000, 90_000),
  deletions: fc.constantFrom('some', 'some', 'none'),
  startAt: fc.constant(noon),
  permanentFault: fc.constant('none'),
} as const

/** Histories by kind (`npm run simulate -- --of KIND`). */
export const histories = {
  everyday: fc.record<HistoryOptions>(anyHistory),
  'long-scans': fc.record<HistoryOptions>(longScans),
  crossed: fc.record<HistoryOptions>(crossed),
} as const

export type Kind = keyof typeof histories

export interface Trial {
  readonly kind: Kind
  readonly runs: number
  readonly seed?: number | undefined
  /** Selects one history of the seed; a failure prints it. */
  readonly path?: string | undefined
  readonly defects?: Defects
  /** Accepts only these violations, and takes the first history found, without shrinking. */
  readonly lookingFor?: RegExp
  /** Gets one line per step of each history. */
  readonly log?: (line: string) => void
}

/** Undefined, or a report on the smallest failing history found and the command that repeats it. */
export async function failureOf({
  kind,
  runs,
  seed,
  path,
  defects,
  log,
  lookingFor,
}: Trial): Promise<string | undefined> {
  const property = fc.asyncProperty(histories[kind], async (options) => {
    const violations = violationsOf(await runHistory(options, defects, log))
    const accepted = violations.filter((violation) => lookingFor?.test(violation) ?? true)
    if (accepted.length > 0) throw new Error(accepted.join('\n'))
  })
  const endOnFailure = lookingFor !== undefined || path !== undefined
  const details = await fc.check(property, {
    numRuns: runs,
    endOnFailure,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
  })
  if (!details.failed) return undefined
  const command = `npm run simulate -- --of ${kind} --seed=${details.seed} --path ${details.counterexamplePath}`
  const { message } = details.errorInstance as Error
  const counterexample = JSON.stringify(details.counterexample?.[0])
  return `${message}\n${counterexample}\nafter ${details.numRuns} runs; to repeat: ${command}`
}
