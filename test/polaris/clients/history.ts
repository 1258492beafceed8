import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Change } from './change.ts'

/** State that a simulator restores after a restart. */
export interface History {
  readonly seed: number
  readonly changes: readonly Change[]
}

/** Undefined if the file does not exist. */
export function readHistory(file: string): History | undefined {
  if (!existsSync(file)) return undefined
  // Ignores a last line without a line feed: a crash truncated it.
  const [head, ...lines] = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return { ...JSON.parse(head ?? '{}'), changes: lines.map((line) => JSON.parse(line)) }
}

export function startHistory(file: string, seed: number): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ seed })}\n`)
}

export function addToHistory(file: string, changes: readonly Change[]): void {
  appendFileSync(file, changes.map((change) => `${JSON.stringify(change)}\n`).join(''))
}
