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

/** The words of a text in lines of at most `width` characters. Breaks no word. */
export function wrappedText(text: string, width: number): string[] {
  if (text.length <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && longer.length > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** ISO 8601 in UTC, in whole seconds. */
export const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Such as `950 ms`, `12.3 s` or `4 min 5 s`. */
export function tookText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Such as `1 event` or `2 events`. */
export const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
