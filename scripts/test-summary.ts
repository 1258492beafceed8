import type { LaneResult, NamedReason } from './test-lane.ts'

/** The result of a check or a lane, and its duration. */
export interface SummaryRow extends LaneResult {
  readonly name: string
  readonly seconds: number
}

/** A table, the skipped tests with reasons, the failed tests with messages, and a last line with only the counts. */
export function summary(rows: readonly SummaryRow[]): string {
  const skipped = rows.flatMap((row) => row.skipped)
  const failed = rows.flatMap((row) => row.failed)
  const all = {
    ...{ name: 'all', passed: sum(rows.map((row) => row.passed)), failed, skipped },
    seconds: sum(rows.map((row) => row.seconds)),
  }
  return [
    line('', 'passed', 'failed', 'skipped', 'seconds'),
    ...[...rows, all].map((row) =>
      line(row.name, row.passed, row.failed.length, row.skipped.length, row.seconds.toFixed(1)),
    ),
    '',
    skipped.length === 0 ? 'Nothing was skipped.' : 'Skipped:',
    ...skipped.map(named),
    ...(failed.length === 0 ? [] : ['', 'Failed:', ...failed.slice(0, LISTED).map(named)]),
    '',
    `${all.passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  ].join('\n')
}

/** Failures repeated in the summary; each lane has already printed all of its own. */
const LISTED = 20

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

const named = ({ test, why }: NamedReason) => `  ${test}: ${why.replaceAll('\n', '\n    ')}`

function line(name: string, ...cells: readonly (string | number)[]): string {
  return name.padEnd(16) + cells.map((cell) => `${cell}`.padStart(9)).join('')
}
