import type { Fields } from '../../test/polaris/clients/made-up-client.ts'

/** A client in a table of a recipe. `Ville` is a field of its `Adresse`. */
export type Row = Readonly<Record<(typeof COLUMNS)[number], string>>

const COLUMNS = ['No', 'Nom', 'Ville', 'ChiffreAffaires', 'NoVersion'] as const
const SHOWN = 5

export function rowOf(fields: Fields): Row {
  const address = fields.Adresse
  const isGroup = typeof address === 'object' && address?.kind === 'group'
  const all: Fields = { ...fields, ...(isGroup ? address.fields : {}), Nom: fields.Nom ?? null }
  return Object.fromEntries(COLUMNS.map((column) => [column, textOf(all[column])])) as Row
}

function textOf(value: Fields[string] | undefined): string {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value?.kind === 'number') return value.text
  throw new Error('the simulator has no such field')
}

/** Throws if a table, in any order, is not exactly what it must be. */
export function assertSameRows(found: readonly Row[], expected: readonly Row[]): void {
  const line = (row: Row) => COLUMNS.map((column) => row[column]).join(' | ')
  const [have, want] = [new Set(found.map(line)), new Set(expected.map(line))]
  const wrong = [
    ...found
      .map(line)
      .filter((row, at, all) => all.indexOf(row) !== at)
      .map((row) => `twice: ${row}`),
    ...[...want].filter((row) => !have.has(row)).map((row) => `missing: ${row}`),
    ...[...have].filter((row) => !want.has(row)).map((row) => `too many: ${row}`),
  ]
  if (wrong.length === 0) return
  throw new Error(`${wrong.length} rows are wrong, such as\n${wrong.slice(0, SHOWN).join('\n')}`)
}

/** The rows in a text of JSON lines. */
export function rowsIn(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Row)
}
