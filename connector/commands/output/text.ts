import { stripVTControlCharacters } from 'node:util'

/** Columns as wide as their widest cell; cells may be coloured. A line feed of a server is shown, and begins no line. */
export function table(cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map((row) => row.map((cell) => cell.replaceAll('\n', '\\u000a')))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => lengthOf(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))))
      .join('  ')
      .trimEnd(),
  )
}

const lengthOf = (cell: string) => stripVTControlCharacters(cell).length

/** ISO 8601 in UTC, in whole seconds. */
export const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Such as `1 event` or `2 events`. */
export const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
