import type { LaneResult } from './test-lane.ts'

/** What a check or a lane came to, and how long it took. */
export interface SummaryRow extends LaneResult {
  readonly name: string
  readonly seconds: number
}

/** A table, what was skipped and why, and as the last line the counts alone. */
export function summary(rows: readonly SummaryRow[]): string {
  const sum = (count: (row: SummaryRow) => number) => rows.reduce((total, row) => total + count(row), 0)
  const skipped = rows.flatMap((row) => row.skipped)
  const all = { name: 'all', passed: sum((row) => row.passed), failed: sum((row) => row.failed), skipped }
  return [
    line('', 'passed', 'failed', 'skipped', 'seconds'),
    ...[...rows, { ...all, seconds: sum((row) => row.seconds) }].map((row) =>
      line(row.name, row.passed, row.failed, row.skipped.length, row.seconds.toFixed(1)),
    ),
    '',
    skipped.length === 0 ? 'Nothing was skipped.' : 'Skipped:',
    ...skipped.map(({ test, why }) => `  ${test}: ${why}`),
    '',
    `${all.passed} passed, ${all.failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  ].join('\n')
}

function line(name: string, ...cells: readonly (string | number)[]): string {
  return name.padEnd(16) + cells.map((cell) => `${cell}`.padStart(9)).join('')
}
