import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { chartValues } from './chart-values.ts'

interface Alert {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

/** `helm/README.md` with its tables of values and alerts as they are now. */
export function chartReadme(): string {
  const readme = readFileSync(new URL('../../helm/README.md', import.meta.url), 'utf8')
  return withSection(withSection(readme, 'values', valuesTable()), 'alerts', alertsTable())
}

/** `markdown` with `content` between the comments `<!-- name -->` and `<!-- /name -->`. Throws where it has none. */
export function withSection(markdown: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [markdown.indexOf(begin), markdown.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`there is no section ${name}`)
  return `${markdown.slice(0, from + begin.length)}\n${content}\n${markdown.slice(to)}`
}

function valuesTable(): string {
  const rows = chartValues().map(({ path, default: preset, description }) =>
    row(`\`${path.join('.')}\``, shown(preset), description),
  )
  return [row('Value', 'Default', 'Meaning'), '|---|---|---|', ...rows].join('\n')
}

/** What would not fit a table is in values.yaml. */
function shown(preset: unknown): string {
  const text = JSON.stringify(preset)
  if (['""', 'null', '{}', '[]'].includes(text)) return ''
  return text.length > 40 ? '[see](values.yaml)' : `\`${typeof preset === 'string' ? preset : text}\``
}

function alertsTable(): string {
  const { alerts } = parse(readFileSync(new URL('../../helm/alerts.yaml', import.meta.url), 'utf8')) as {
    alerts: Alert[]
  }
  const rows = alerts.map(({ alert, labels, annotations }) =>
    row(`\`${alert}\``, labels.severity, annotations.summary.replaceAll(/\{\{.*?\}\}/g, '…')),
  )
  return [row('Alert', 'Severity', 'Says'), '|---|---|---|', ...rows].join('\n')
}

const row = (...cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
