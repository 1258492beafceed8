import { untilAborted } from '../../../connector/runtime/abort.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type {
  CheckpointStore,
  StoredText,
  Version,
  VersionedObject,
  WriteOutcome,
} from '../../../connector/storage/checkpoint-store.ts'
import { type MemorySegmentStore, memorySegmentStore } from './memory-segment-store.ts'

type MemoryCall =
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'write'; readonly key: string; readonly text: string; readonly expected: Version | null }

/**
 * `none`: the call succeeds. `before`: no effect. `after`: it takes effect, but the response is lost. `late` (writes
 * only): it takes effect later, see `LateWrite`. All but `none` reject with `storage.unavailable`.
 */
export type MemoryFault = 'none' | 'before' | 'after' | 'late'

interface LateWrite {
  readonly key: string
  readonly text: string
  /** Takes effect if the object has the expected version now; returns whether it had. */
  arrive(): boolean
}

/** In-memory versioned objects, shared by all replicas of a simulation. Deterministic, without timers. */
export interface MemoryStore extends CheckpointStore {
  /** Writes that the caller gave up on and that have yet to take effect, oldest first. */
  readonly late: readonly LateWrite[]
  /** Always the same store for a key. */
  segments(key: string): MemorySegmentStore
  /** The stored text and version, read without a call. */
  stored(key: string): StoredText | undefined
  /** Replaces the text, or deletes it (undefined), without checking the version, as an operator would. */
  tamper(key: string, text: string | undefined): void
  /** All texts stored under a key so far, oldest first. */
  history(key: string): readonly string[]
}

export interface MemoryStoreOptions {
  /** Called before each call takes effect; may wait, so that a test controls the order of calls. Default: no fault. */
  readonly fault?: (call: MemoryCall) => MemoryFault | Promise<MemoryFault>
  /** Called with each stored text. */
  readonly onStored?: (key: string, text: string) => void
  /** `ignored`: a broken store that accepts every write. */
  readonly conditions?: 'kept' | 'ignored'
}

export function memoryStore({
  fault: faultOf = () => 'none',
  onStored = () => undefined,
  conditions = 'kept',
}: MemoryStoreOptions = {}): MemoryStore {
  const objects = new Map<string, StoredText>()
  const histories = new Map<string, string[]>()
  const segmentStores = new Map<string, MemorySegmentStore>()
  const late: LateWrite[] = []
  let versions = 0

  const put = (key: string, text: string): Version => {
    versions += 1
    const version = `v${versions}` as Version
    objects.set(key, { text, version })
    histories.set(key, [...(histories.get(key) ?? []), text])
    onStored(key, text)
    return version
  }
  const compareAndSet = (key: string, text: string, expected: Version | null): WriteOutcome => {
    const now = objects.get(key)
    if (now?.text === text) return { kind: 'written', version: now.version } // like the real adapters, which read back
    if (conditions === 'kept' && (now?.version ?? null) !== expected) return { kind: 'conflict' }
    return { kind: 'written', version: put(key, text) }
  }
  const delay = (key: string, text: string, expected: Version | null) => {
    const write: LateWrite = {
      key,
      text,
      arrive: () => {
        const index = late.indexOf(write)
        if (index < 0) return false
        late.splice(index, 1)
        return compareAndSet(key, text, expected).kind === 'written'
      },
    }
    late.push(write)
  }

  const object = (key: string): VersionedObject => ({
    read: async (finish) => {
      const fault = await unlessAborted(faultOf({ kind: 'read', key }), finish)
      if (fault !== 'none') throw unavailable(`read ${key}`, fault)
      return objects.get(key)
    },
    write: async (text, expected, finish) => {
      const fault = await unlessAborted(faultOf({ kind: 'write', key, text, expected }), finish)
      if (fault === 'late') delay(key, text, expected)
      if (fault === 'before' || fault === 'late') throw unavailable(`write ${key}`, fault)
      const outcome = compareAndSet(key, text, expected)
      if (fault === 'after') throw unavailable(`write ${key}`, fault)
      return outcome
    },
  })

  const segments = (key: string): MemorySegmentStore => {
    const store = segmentStores.get(key) ?? memorySegmentStore()
    segmentStores.set(key, store)
    return store
  }

  return {
    object,
    segments,
    probe: async (stop) => stop.throwIfAborted(),
    close: () => undefined,
    late,
    stored: (key) => objects.get(key),
    tamper: (key, text) => {
      if (text === undefined) objects.delete(key)
      else put(key, text)
    },
    history: (key) => histories.get(key) ?? [],
  }
}

async function unlessAborted(fault: MemoryFault | Promise<MemoryFault>, finish: AbortSignal): Promise<MemoryFault> {
  finish.throwIfAborted()
  return await untilAborted(finish, Promise.resolve(fault))
}

const unavailable = (what: string, fault: MemoryFault) =>
  new ConnectorError('storage.unavailable', `${what}: simulated fault, ${fault}`)
