import type { ClientTable } from '../../../connector/index/client-table.ts'
import { deltaText, emptyIndex, type IndexState, withEntries } from '../../../connector/index/index-state.ts'
import { type IndexEvent, type IndexStorage, indexStorage } from '../../../connector/index/index-storage.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import type { SegmentLimits } from '../../../connector/index/segment-plan.ts'
import { type MemorySegmentStore, memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { type VirtualClock, virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { entry, joined, key, words } from './entries.ts'

export interface Stage {
  readonly store: MemorySegmentStore
  readonly table: ClientTable
  readonly storage: IndexStorage
  readonly events: IndexEvent[]
  readonly clock: VirtualClock
  state: IndexState
  /** One transaction with new content for these clients; its document is written. */
  commit(clients: readonly number[]): Promise<void>
  settled(): Promise<void>
}

let nonces = 0

export async function stage({
  store = memorySegmentStore(),
  state = emptyIndex,
  epoch = 1,
  limits,
}: {
  store?: MemorySegmentStore
  state?: IndexState
  epoch?: number
  limits?: SegmentLimits
} = {}): Promise<Stage> {
  const table = await loadTable(store, state, never)
  const clock = virtualClock(0)
  const events: IndexEvent[] = []
  const newNonce = () => `n${++nonces}`
  const observe = (event: IndexEvent) => events.push(event)
  const storage = indexStorage(state, { store, table, clock, epoch, newNonce, limits, observe })
  let number = 0
  const one: Stage = {
    ...{ store, table, storage, events, clock, state },
    settled: async () => {
      for (let turn = 0; turn < 50; turn += 1) {
        await new Promise(setImmediate)
        clock.fireNext()
      }
    },
    commit: async (clients) => {
      const entries = words(clients.map((client) => [key(client), entry(++number)]))
      one.state = await storage.represent(one.state, never)
      storage.written(one.state)
      one.state = withEntries(one.state, deltaText(entries))
      table.setAll(entries)
    },
  }
  return one
}

/** What the stored index stands for, in full. */
export async function stored({ store, state }: Pick<Stage, 'store' | 'state'>) {
  return joined([...(await loadTable(store, state, never)).partitions()])
}

export const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at)
