import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LaneResult } from './test-lane.ts'
import { type SummaryRow, summary } from './test-summary.ts'

// usage: node test-all.ts [LANE…]: runs all checks and the lanes that need no container, or only the named lanes.
const named = process.argv.slice(2)

/** Each check counts as one test; its output is printed only when it fails. */
const checks = {
  build: ['build'],
  types: ['types'],
  lint: ['lint'],
  'unused code': ['unused'],
  'generated files': ['--if-present', 'generate', '--', '--check'],
}
const everywhere = ['unit', 'simulation', 'contract', 'e2e', 'chaos']
const longestLaneMs = 30 * 60_000

const rows: SummaryRow[] = []
if (named.length === 0) {
  for (const [name, script] of Object.entries(checks)) rows.push(await timed(name, () => runCheck(name, script)))
}
for (const lane of named.length === 0 ? everywhere : named) rows.push(await timed(lane, () => runLane(lane)))
console.log(`\n${summary(rows)}`)
if (rows.some(({ failed }) => failed.length > 0)) process.exitCode = 1

async function timed(name: string, run: () => Promise<LaneResult>): Promise<SummaryRow> {
  const startedAt = performance.now()
  const result = await run()
  return { name, ...result, seconds: (performance.now() - startedAt) / 1000 }
}

async function runCheck(name: string, script: readonly string[]): Promise<LaneResult> {
  const child = spawn('npm', ['run', '--silent', ...script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => output.push(bytes))
  const [exitCode] = await once(child, 'close')
  const ok = exitCode === 0
  console.log(ok ? `${name}: ok` : `${name}: failed\n${Buffer.concat(output)}`)
  const failed = [{ test: `npm run ${script.join(' ')}`, why: `exit code ${exitCode}` }]
  return { passed: ok ? 1 : 0, failed: ok ? [] : failed, skipped: [] }
}

/** A lane that exits without a result counts as one failed test. */
async function runLane(lane: string): Promise<LaneResult> {
  const script = fileURLToPath(new URL('test-lane.ts', import.meta.url))
  const stdio = ['ignore' as const, 'inherit' as const, 'inherit' as const, 'ipc' as const]
  const child = spawn(process.execPath, [script, lane], { stdio, timeout: longestLaneMs })
  let result: LaneResult | undefined
  child.on('message', (sent) => {
    result = sent as LaneResult
  })
  const [exitCode] = await once(child, 'exit')
  const failed = [{ test: `the lane ${lane}`, why: `exit code ${exitCode}` }]
  if (result === undefined) return { passed: 0, failed, skipped: [] }
  return exitCode !== 0 && result.failed.length === 0 ? { ...result, failed } : result
}
