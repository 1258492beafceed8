import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Change } from './client-store.ts'
import { type LiveStore, liveStore } from './live-store.ts'

export interface FirstClients {
  /** Default: 100. */
  readonly clients?: number
  /**
   * Modification times (ms since 1970) of the first clients: spread evenly between the two, with three clients each.
   * Default: the last 400 days.
   */
  readonly modifiedBetween?: readonly [number, number]
  /** File that stores every change, so that the next simulator continues with the same clients. */
  readonly history?: string
}

const DAY_MS = 86_400_000
const CLIENTS_PER_STEP = 3

/** The clients that a simulator starts with: new ones, or those in its history file. */
export function firstClients(options: FirstClients): LiveStore {
  const { history: file } = options
  const store = liveStore()
  const known = file === undefined ? [] : readHistory(file)
  for (const change of known) store.replay(change)
  if (known.length === 0) addFirst(store, options, Date.now())
  if (file === undefined) return store
  mkdirSync(dirname(file), { recursive: true })
  if (known.length === 0) writeFileSync(file, linesOf(store.changes))
  store.onChange((changes) => appendFileSync(file, linesOf(changes)))
  return store
}

/** Ignores a last line without a line feed: a crash truncated it. */
function readHistory(file: string): Change[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

const linesOf = (changes: readonly Change[]) => changes.map((change) => `${JSON.stringify(change)}\n`).join('')

function addFirst(store: LiveStore, { clients = 100, modifiedBetween }: FirstClients, now: number): void {
  const [from, to] = modifiedBetween ?? [now - 400 * DAY_MS, now - DAY_MS]
  const steps = Math.ceil(clients / CLIENTS_PER_STEP)
  for (let step = 0; step < steps; step += 1) {
    const at = Math.floor(from + ((to - from) * step) / steps)
    store.add(Math.min(CLIENTS_PER_STEP, clients - step * CLIENTS_PER_STEP), at)
  }
}
