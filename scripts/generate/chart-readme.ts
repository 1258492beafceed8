import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { chartValues } from './chart-values.ts'

interface Alert {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

/** `helm/README.md` with updated tables of values and alerts. */
export function chartReadme(): string {
  const readme = readFileSync(new URL('../../helm/README.md', import.meta.url), 'utf8')
  return withSection(withSection(readme, 'values', valuesTable()), 'alerts', alertsTable())
}

/** `markdown` with `content` between the comments `<!-- name -->` and `<!-- /name -->`. Throws if they are missing. */
export function withSection(markdown: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [markdown.indexOf(begin), markdown.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`section ${name} is missing`)
  return `${markdown.slice(0, from + begin.length)}\n${content}\n${markdown.slice(to)}`
}

function valuesTable(): string {
  const rows = chartValues().map(({ path, default: preset, description }) =>
    row(`\`${path.join('.')}\``, shown(preset), description),
  )
  return [row('Value', 'Default', 'Meaning'), '|---|---|---|', ...rows].join('\n')
}

/** A long default is replaced by a link to values.yaml. */
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
  return [row('Alert', 'Severity', 'Summary'), '|---|---|---|', ...rows].join('\n')
}

const row = (...cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
