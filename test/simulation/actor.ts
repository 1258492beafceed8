import type { StreamIndex } from '../../connector/index/stream-index.ts'
import { type Semaphore, semaphore } from '../../connector/runtime/semaphore.ts'
import { type ReplicaClock, replicaClock } from './replica-clock.ts'
import { type SimulatedProcess, simulatedProcess } from './simulated-process.ts'
import type { World } from './world.ts'

/** A process that opens streams: a replica, or a command of an operator. */
export interface Actor {
  readonly name: string
  readonly process: SimulatedProcess
  readonly clock: ReplicaClock
  /** Nonces start with the name of the process. */
  readonly newNonce: () => string
  /** Shared by its streams. */
  readonly openings: Semaphore
  /** The client indexes of its streams. */
  readonly indexes: Map<string, StreamIndex>
  /** Whether it knows how the store compares versions: like Ceph, the store rejects every write that compares before. */
  readonly store: { isReady: boolean }
}

/** The probe of the store by a process. */
export const storeReady =
  ({ store }: Pick<Actor, 'store'>) =>
  async (): Promise<void> => {
    store.isReady = true
  }

export function newActor(world: World, name: string): Actor {
  const onResume = (held: readonly (() => void)[]) => {
    for (const settle of held)
      world.enqueue({ replica: name, stream: '', what: 'process', operation: 'resume', settle })
  }
  const process = simulatedProcess(onResume)
  world.processes.set(name, process)
  const clock = replicaClock(world.clock, process, world.processes.size)
  let nonces = 0
  return {
    name,
    process,
    clock,
    indexes: new Map(),
    store: { isReady: false },
    newNonce: () => `${name}/${++nonces}`,
    openings: semaphore(10),
  }
}
