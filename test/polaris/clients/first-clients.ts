import type { SimulatorOptions } from '../options.ts'
import { addToHistory, readHistory, startHistory } from './history.ts'
import { type LiveStore, type LiveStoreParts, liveStore } from './live-store.ts'

const DAY_MS = 86_400_000
const CLIENTS_PER_STEP = 3

/** The clients that a simulator starts with: new ones, or those in its history file. */
export function firstClients(
  options: SimulatorOptions,
  parts: Pick<LiveStoreParts, 'wall' | 'forms'>,
): { store: LiveStore; seed: number } {
  const file = options.history
  const known = file === undefined ? undefined : readHistory(file)
  const seed = known?.seed ?? options.seed ?? 1
  const store = liveStore({
    ...parts,
    seed,
    hasModificationTime: options.hasModificationTime ?? true,
  })
  for (const change of known?.changes ?? []) store.replay(change)
  if (options.mode === 'bench') return { store, seed }
  if (known === undefined) addFirst(store, options, Date.now())
  if (file !== undefined) {
    if (known === undefined) startHistory(file, seed)
    addToHistory(file, store.changes.slice(known?.changes.length ?? 0))
    store.onChange((changes) => addToHistory(file, changes))
  }
  return { store, seed }
}

function addFirst(store: LiveStore, options: SimulatorOptions, now: number): void {
  const clients = options.clients ?? 100
  const [from, to] = options.modifiedBetween ?? [now - 400 * DAY_MS, now - DAY_MS]
  const steps = Math.ceil(clients / CLIENTS_PER_STEP)
  for (let step = 0; step < steps; step += 1) {
    const at = Math.floor(from + ((to - from) * step) / steps)
    store.add(Math.min(CLIENTS_PER_STEP, clients - step * CLIENTS_PER_STEP), at)
  }
}
