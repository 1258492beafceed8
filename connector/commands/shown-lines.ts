import { rawText } from '../runtime/parsed-json.ts'

/** Returns the text as a terminal may show it: of a server, only line feeds and tabs act on it. */
export const printableText = (text: string) => text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, asUnits)

/**
 * Returns the text on one line with control characters shown, not acted on. Invariant 8: a server may have sent them.
 */
const escapedText = (text: string) => text.replace(/[\p{Cc}\p{Cf}]/gu, asUnits)

/** Writes a character as JSON does: `\u001b`. */
const asUnits = (character: string) =>
  character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const INDENT = '  '

/**
 * Returns what a command prints of its value without `--json`: `name: value` lines, the items of a list one a line, and
 * a list of flat objects as a table.
 */
export function shownLines(value: unknown): string[] {
  if (isPlain(value)) return [textOf(value)]
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isRow)) return tableOf(value)
    return value.flatMap((item, at) => [...(at > 0 && !isPlain(item) ? [''] : []), ...shownLines(item)])
  }
  const fields = Object.entries(Object(value)).filter(([, item]) => item !== undefined)
  return fields.flatMap(([name, item], at) => {
    if (isPlain(item)) return [`${escapedText(name)}: ${textOf(item)}`]
    const lines = shownLines(item).map((line) => (line === '' ? '' : INDENT + line))
    return lines.length === 0 ? [`${escapedText(name)}: none`] : [...(at > 0 ? [''] : []), escapedText(name), ...lines]
  })
}

type Row = Readonly<Record<string, unknown>>
type Cell = readonly [name: string, text: string]

const isPlain = (value: unknown) => typeof value !== 'object' || value === null || rawText(value) !== undefined
const isRow = (value: unknown): value is Row =>
  !isPlain(value) && !Array.isArray(value) && Object.values(Object(value)).every(isPlain)
const textOf = (value: unknown) => (value === null ? '–' : escapedText(rawText(value) ?? String(value)))

/** Whether the cell stands in its row: a longer one stands below. */
const isShort = ([, text]: Cell) => text.length <= 80

function tableOf(rows: readonly Row[]) {
  const cellOf = ([name, cell]: [string, unknown]): Cell[] =>
    cell === undefined ? [] : [[escapedText(name), textOf(cell)]]
  const cells = rows.map((row) => Object.entries(row).flatMap(cellOf))
  const names = [...new Set(cells.flatMap((row) => row.filter(isShort).map(([name]) => name)))]
  const inline = cells.map((row) => new Map(row.filter(isShort)))
  const lines = [names.map(headingOf), ...inline.map((row) => names.map((name) => row.get(name) ?? ''))]
  const widths = names.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  return lines.flatMap((line, at) => {
    const padded = line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(INDENT)
    const long = cells[at - 1]?.filter((cell) => !isShort(cell)) ?? []
    return [padded.trimEnd(), ...long.map(([name, text]) => `${INDENT}${INDENT}${name}: ${text}`)]
  })
}

/** Returns the heading of a column: `LIVE UNTIL` for `liveUntil`. */
const headingOf = (name: string) => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase()

/** Shows on a terminal, again and again, what is done now, and for how long, until it is disposed. */
export function progressOn(terminal: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>, text: string): Disposable {
  const startedAt = performance.now()
  const write = (line: string) => terminal.isTTY && terminal.write(`\r${printableText(line)}\u001b[K`)
  const show = () => write(`${text} (${Math.round((performance.now() - startedAt) / 1000)} s)`)
  show()
  const timer = setInterval(show, 200)
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      write('')
    },
  }
}
