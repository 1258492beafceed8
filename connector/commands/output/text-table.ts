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
