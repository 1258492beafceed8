import * as z from 'zod'
import type { Finding, Verdict } from '../../doctor/finding.ts'
import type { Colour, Screen } from './screen.ts'
import { wrappedText } from './wrapped-text.ts'

/** What `doctor --json` prints. */
export const doctorShape = z.strictObject({
  healthy: z.boolean().describe('Whether no check failed'),
  findings: z
    .array(
      z.strictObject({
        stream: z.string().nullable().describe('Name of the stream; null: about the connector'),
        check: z.string().describe('Name of the check'),
        verdict: z.enum(['ok', 'warning', 'failed', 'skipped']).describe('Its result'),
        detail: z.string().describe('What it found; if skipped, the reason'),
        code: z.string().optional().describe('Error code; only if failed'),
        hint: z.string().optional().describe('What to do; only for a warning or a failure'),
      }),
    )
    .readonly()
    .describe('One per check'),
})

const colours: Readonly<Record<Verdict, Colour>> = {
  ...{ ok: 'green', warning: 'yellow', failed: 'red', skipped: 'gray' },
}

/** The findings as a table, first those of the connector, then per stream; then again what failed, and a summary. */
export function findingLines(findings: readonly Finding[], screen: Screen): string[] {
  const names = findings.map(({ check }) => check)
  const streams = [...new Set(findings.map(({ stream }) => stream))]
  const sections = streams.flatMap((stream) => [
    ...(stream === null ? [] : ['', screen.paint('bold', `stream ${stream}`)]),
    ...findings
      .filter((finding) => finding.stream === stream)
      .flatMap((finding) => rowLines(finding, padded(finding.check, names), screen)),
  ])
  return [...sections, ...failuresAgain(findings, screen), '', summary(findings, screen)]
}

/** What failed is not lost above what passed. */
function failuresAgain(findings: readonly Finding[], screen: Screen): string[] {
  const failures = findings.filter(({ verdict }) => verdict === 'failed')
  const hasPassed = findings.some(({ verdict }) => verdict === 'ok' || verdict === 'warning')
  if (failures.length === 0 || !hasPassed) return []
  const names = failures.map(({ stream, check }) => (stream === null ? check : `${stream}: ${check}`))
  return ['', ...failures.flatMap((finding, at) => rowLines(finding, padded(names[at] ?? '', names), screen))]
}

const padded = (name: string, names: readonly string[]) => name.padEnd(Math.max(...names.map(({ length }) => length)))

const VERDICT_WIDTH = 'warning'.length

function rowLines({ verdict, code, detail, hint }: Finding, name: string, { width, paint }: Screen): string[] {
  const what = code === undefined || detail.includes(code) ? detail : `${code}: ${detail}`
  const texts = hint === undefined ? [what] : [what, `→ ${hint}`]
  const indent = VERDICT_WIDTH + 2 + name.length + 2
  // Without a terminal, a check is one line.
  const lines = Number.isFinite(width) ? texts.flatMap((text) => wrappedText(text, width - indent)) : [texts.join(' ')]
  const head = `${paint(colours[verdict], verdict.padEnd(VERDICT_WIDTH))}  ${name}  `
  return lines.map((line, at) => (at === 0 ? head : ' '.repeat(indent)) + line)
}

function summary(findings: readonly Finding[], { paint }: Screen): string {
  const texts = (['failed', 'warning', 'skipped', 'ok'] as const).map((verdict) => {
    const count = findings.filter((finding) => finding.verdict === verdict).length
    const text = `${count} ${verdict === 'warning' && count !== 1 ? 'warnings' : verdict}`
    return count === 0 ? text : paint(colours[verdict], text)
  })
  return texts.join(', ')
}
