import { errorCatalogue } from '../runtime/error-catalogue.ts'
import type { Finding, Verdict } from './finding.ts'

/** 0 when nothing failed, else the highest exit code of what did: 2 configuration, 3 surroundings. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return Math.max(0, ...findings.map(({ code }) => (code === undefined ? 0 : errorCatalogue[code].exit)))
}

/** For `--json`. */
export function describedFindings(findings: readonly Finding[]) {
  return { healthy: exitCodeOf(findings) === 0, findings }
}

/** A line each for a person to read: of the connector first, then stream by stream, and a sum at the end. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const streams = [...new Set(findings.map(({ stream }) => stream))]
  const lines = streams.flatMap((stream) => [
    ...(stream === null ? [] : ['', `stream ${stream}`]),
    ...findings.filter((finding) => finding.stream === stream).map((finding) => lineOf(finding, width)),
  ])
  return [...lines, '', sum(findings)]
}

function lineOf({ verdict, check, code, seen, cure }: Finding, width: number): string {
  const what = code === undefined || seen.includes(code) ? seen : `${code}: ${seen}`
  return `${verdict.padEnd(7)}  ${check.padEnd(width)}  ${what}${cure === undefined ? '' : ` → ${cure}`}`
}

function sum(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  return (['failed', 'warning', 'skipped', 'ok'] as const).map((verdict) => `${count(verdict)} ${verdict}`).join(', ')
}
