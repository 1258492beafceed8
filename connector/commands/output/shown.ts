import { rawText } from '../../runtime/parsed-json.ts'
import { type Colour, escaped, type Paint } from './screen.ts'

/** A longer cell of a table stands below its row. */
const MAX_CELL = 80
const INDENT = '  '
const colours: Readonly<Record<string, Colour>> = { failed: 'red', warning: 'yellow', ok: 'green', skipped: 'gray' }

/**
 * What a command prints of its value without `--json`: `name: value` lines, the items of a list one a line, and a list of
 * flat objects as a table.
 */
export function shownLines(value: unknown, paint: Paint): string[] {
  if (isPlain(value)) return [textOf(value)]
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isRow)) return tableOf(value, paint)
    return value.flatMap((item, at) => [...(at > 0 && !isPlain(item) ? [''] : []), ...shownLines(item, paint)])
  }
  const fields = Object.entries(Object(value)).filter(([, item]) => item !== undefined)
  return fields.flatMap(([name, item], at) => {
    if (isPlain(item)) return [`${escaped(name)}: ${textOf(item)}`]
    const lines = shownLines(item, paint).map((line) => (line === '' ? '' : INDENT + line))
    const title = paint('bold', escaped(name))
    return lines.length === 0 ? [`${title}: none`] : [...(at > 0 ? [''] : []), title, ...lines]
  })
}

type Row = Readonly<Record<string, unknown>>

const isPlain = (value: unknown) => typeof value !== 'object' || value === null || rawText(value) !== undefined
const isRow = (value: unknown): value is Row =>
  !isPlain(value) && !Array.isArray(value) && Object.values(Object(value)).every(isPlain)

/** Invariant 8, and what a server sends to a terminal: control characters are shown, not acted on. */
function textOf(value: unknown): string {
  return value === null ? '–' : escaped(rawText(value) ?? String(value))
}

function tableOf(rows: readonly Row[], paint: Paint): string[] {
  const texts = rows.map((row) => new Map(Object.entries(row).flatMap(([name, cell]) => cellOf(name, cell))))
  const names = [...new Set(texts.flatMap((row) => [...row].flatMap(([name, text]) => (isShort(text) ? [name] : []))))]
  const widths = names.map((name) =>
    Math.max(headingOf(name).length, ...texts.map((row) => inline(row.get(name)).length)),
  )
  const line = (cells: readonly string[], colour: (text: string) => Colour | undefined) =>
    cells
      .map((text, column) => {
        const [padding, painted] = [' '.repeat((widths[column] ?? 0) - text.length), colour(text)]
        return (painted === undefined ? text : paint(painted, text)) + padding
      })
      .join(INDENT)
      .trimEnd()
  const below = (row: ReadonlyMap<string, string>) =>
    [...row].flatMap(([name, text]) => (isShort(text) ? [] : [`${INDENT}${INDENT}${name}: ${text}`]))
  return [
    line(names.map(headingOf), () => 'bold'),
    ...texts.flatMap((row) => [
      line(
        names.map((name) => inline(row.get(name))),
        (text) => colours[text],
      ),
      ...below(row),
    ]),
  ]
}

const cellOf = (name: string, cell: unknown): [string, string][] =>
  cell === undefined ? [] : [[escaped(name), textOf(cell)]]
const isShort = (text: string) => text.length <= MAX_CELL
const inline = (text = '') => (isShort(text) ? text : '')
/** Of `liveUntil`: `LIVE UNTIL`. */
const headingOf = (name: string) => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase()
