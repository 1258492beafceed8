import * as z from 'zod'
import type { Finding, Verdict } from '../../inspect/doctor/finding.ts'
import type { Colour, Screen } from './screen.ts'
import { wrappedText } from './text.ts'

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
  ok: 'green',
  warning: 'yellow',
  failed: 'red',
  skipped: 'gray',
}

/**
 * The findings as a table, first those of the connector, then per stream; then what failed, by name, and a summary. A
 * failure that several streams share is shown in full only with the first of them.
 */
export function findingLines(findings: readonly Finding[], screen: Screen): string[] {
  const names = findings.map(({ check }) => check)
  const streams = [...new Set(findings.map(({ stream }) => stream))]
  const failures = sharedFailures(findings)
  const sections = streams.flatMap((stream) => [
    ...(stream === null ? [] : ['', screen.paint('bold', `stream ${stream}`)]),
    ...findings
      .filter((finding) => finding.stream === stream)
      .flatMap((finding) => rowLines(shortened(finding, failures), padded(finding.check, names), screen)),
  ])
  const hasPassed = findings.some(({ verdict }) => verdict === 'ok' || verdict === 'warning')
  return [...sections, '', ...(hasPassed ? failedChecks(failures, screen) : []), summary(findings, screen)]
}

/** A failure and all findings that report it, such as those of the streams of one server. */
type SharedFailure = readonly [Finding, ...Finding[]]

/** Groups the failures that differ only in their stream. */
function sharedFailures(findings: readonly Finding[]): SharedFailure[] {
  const groups = new Map<string, [Finding, ...Finding[]]>()
  for (const [at, finding] of findings.entries()) {
    const { stream, ...failure } = finding
    if (failure.verdict !== 'failed') continue
    const key = stream === null ? String(at) : JSON.stringify(failure)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [finding])
    else group.push(finding)
  }
  return [...groups.values()]
}

/** Refers to the first stream with the same failure. */
function shortened(finding: Finding, failures: readonly SharedFailure[]): Finding {
  const [first, ...others] = failures.find((group) => group.includes(finding)) ?? [finding]
  if (!others.includes(finding)) return finding
  const { hint, ...failure } = finding
  return { ...failure, detail: `as for stream ${first.stream}` }
}

/** What failed is not lost above what passed. */
function failedChecks(failures: readonly SharedFailure[], { paint }: Screen): string[] {
  if (failures.length === 0) return []
  const names = failures.map((group) => {
    const streams = group.flatMap(({ stream }) => stream ?? [])
    return streams.length === 0 ? group[0].check : `${group[0].check} of ${streams.join(', ')}`
  })
  return [`${paint(colours.failed, 'failed')}: ${names.join('; ')}`]
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
