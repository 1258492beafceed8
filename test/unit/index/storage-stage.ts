import type { ClientTable } from '../../../connector/index/client-table.ts'
import { deltaOf, emptyIndex, type IndexState, withEntries } from '../../../connector/index/index-state.ts'
import { type IndexEvent, type IndexStorage, indexStorage } from '../../../connector/index/index-storage.ts'
import { type SegmentLimits, segmentLimits } from '../../../connector/index/segments.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import { type MemorySegmentStore, memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { entry, key, read, words } from './entries.ts'

export interface Stage {
  readonly store: MemorySegmentStore
  readonly table: ClientTable
  readonly storage: IndexStorage
  readonly events: IndexEvent[]
  state: IndexState
  /** The next document is written, with the next transaction: new content for these clients. */
  commit(clients: readonly number[]): Promise<void>
  settled(): Promise<void>
}

let nonces = 0

/** The owner of an index. `state`: the one that it claimed, with event numbers below `next`. */
export async function stage({
  store = memorySegmentStore(),
  state = emptyIndex,
  epoch = 1,
  next = 0,
  limits = segmentLimits,
}: {
  store?: MemorySegmentStore
  state?: IndexState
  epoch?: number
  next?: number
  limits?: SegmentLimits
} = {}): Promise<Stage> {
  const table = await loadTable(store, state, never)
  const clock = virtualClock(0)
  const events: IndexEvent[] = []
  const newNonce = () => `n${++nonces}`
  const observe = (event: IndexEvent) => events.push(event)
  const storage = indexStorage(state, { store, table, clock, epoch, newNonce, limits, observe })
  let number = next
  const one: Stage = {
    store,
    table,
    storage,
    events,
    state,
    settled: () => clock.advance(0),
    commit: async (clients) => {
      one.state = await storage.writeDueSegments({ index: one.state, nextEvent: number }, never)
      storage.onDocumentStored(one.state)
      const entries = words(clients.map((client) => [key(client), entry(number++)]))
      one.state = withEntries(one.state, deltaOf(entries))
      table.setAll(entries)
    },
  }
  return one
}

/** What the stored index stands for. */
export const stored = async ({ store, state }: Pick<Stage, 'store' | 'state'>) =>
  entriesOf(await loadTable(store, state, never))

export const entriesOf = (table: ClientTable) => new Map([...table.entries()].flatMap(read))

export const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at)
