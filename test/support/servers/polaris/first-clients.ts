import { addToHistory, readHistory, startHistory } from './history.ts'
import { type LiveShelf, type LiveShelfParts, liveShelf } from './live-shelf.ts'
import type { SimulatorOptions } from './options.ts'

const DAY_MS = 86_400_000
const AT_ONE_TIME = 3

/** The clients that a simulator starts with: new ones, or those of its history. */
export function firstClients(
  options: SimulatorOptions,
  parts: Pick<LiveShelfParts, 'wall' | 'forms' | 'now'>,
): { shelf: LiveShelf; seed: number } {
  const file = options.history
  const known = file === undefined ? undefined : readHistory(file)
  const seed = known?.seed ?? options.seed ?? 1
  const shelf = liveShelf({
    ...parts,
    seed,
    firstId: options.firstId ?? 100_001n,
    hasModificationTime: options.hasModificationTime ?? true,
  })
  for (const change of known?.changes ?? []) shelf.replay(change)
  if (options.mode === 'bench') return { shelf, seed }
  if (known === undefined) addFirst(shelf, options, parts.now())
  if (file !== undefined) {
    if (known === undefined) startHistory(file, seed)
    addToHistory(file, shelf.changes.slice(known?.changes.length ?? 0))
    shelf.onChange((change) => addToHistory(file, [change]))
  }
  return { shelf, seed }
}

function addFirst(shelf: LiveShelf, options: SimulatorOptions, now: number): void {
  const clients = options.clients ?? 100
  const [from, to] = options.modifiedBetween ?? [now - 400 * DAY_MS, now - DAY_MS]
  const steps = Math.ceil(clients / AT_ONE_TIME)
  for (let step = 0; step < steps; step += 1) {
    const at = Math.floor(from + ((to - from) * step) / steps)
    shelf.add(Math.min(AT_ONE_TIME, clients - step * AT_ONE_TIME), at)
  }
}
