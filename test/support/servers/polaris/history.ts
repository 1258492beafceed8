import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Change } from './live-shelf.ts'

/** What a simulator must know to be the same one after a restart. */
export interface History {
  readonly seed: number
  readonly changes: readonly Change[]
}

/** Undefined when there is none yet. */
export function readHistory(file: string): History | undefined {
  if (!existsSync(file)) return undefined
  // A last line that a crash cut off never happened.
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
