import { untilAborted } from '../../connector/publish/until-aborted.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import type { CheckpointStore } from '../../connector/storage/checkpoint-store.ts'
import type { StoredText, Version, VersionedObject, WriteOutcome } from '../../connector/storage/versioned-object.ts'

export type MemoryCall =
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'write'; readonly key: string; readonly text: string; readonly expected: Version | null }

/**
 * What becomes of a call: `none` it works; `before` nothing happened; `after` it happened, the answer was lost; `late` (writes only)
 * it has not happened yet, see `late`. All but `none` reject with `storage.unavailable`.
 */
export type MemoryFault = 'none' | 'before' | 'after' | 'late'

export interface LateWrite {
  readonly key: string
  readonly text: string
  /** Takes effect now, if the object is at the expected version now; says whether it was. */
  arrive(): boolean
}

/** Versioned objects in memory, shared by all replicas of a simulation. Deterministic, without timers. */
export interface MemoryStore extends CheckpointStore {
  /** Writes given up on that are still on their way, oldest first; one that arrives leaves the list. */
  readonly late: readonly LateWrite[]
  /** What is stored, without a call. */
  stored(key: string): StoredText | undefined
  /** The operator's hand: replaces the text or deletes the object (undefined), whatever its version. */
  tamper(key: string, text: string | undefined): void
  /** Every text that was ever stored under a key, oldest first. */
  history(key: string): readonly string[]
}

export interface MemoryStoreOptions {
  /** Asked before each call takes effect; may wait, so that a schedule decides the order of calls. Default: no fault. */
  readonly fate?: (call: MemoryCall) => MemoryFault | Promise<MemoryFault>
  /** Hears each text as it is stored. */
  readonly onStored?: (key: string, text: string) => void
  /** `ignored`: a broken store, which stores whatever it is given. */
  readonly conditions?: 'kept' | 'ignored'
}

export function memoryStore({
  fate = () => 'none',
  onStored = () => undefined,
  conditions = 'kept',
}: MemoryStoreOptions = {}): MemoryStore {
  const objects = new Map<string, StoredText>()
  const histories = new Map<string, string[]>()
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
    if (now?.text === text) return { kind: 'written', version: now.version } // as the real adapters read back
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
      const fault = await decided(fate({ kind: 'read', key }), finish)
      if (fault !== 'none') throw unavailable(`read ${key}`, fault)
      return objects.get(key)
    },
    write: async (text, expected, finish) => {
      const fault = await decided(fate({ kind: 'write', key, text, expected }), finish)
      if (fault === 'late') delay(key, text, expected)
      if (fault === 'before' || fault === 'late') throw unavailable(`write ${key}`, fault)
      const outcome = compareAndSet(key, text, expected)
      if (fault === 'after') throw unavailable(`write ${key}`, fault)
      return outcome
    },
  })

  return {
    object,
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

async function decided(fate: MemoryFault | Promise<MemoryFault>, finish: AbortSignal): Promise<MemoryFault> {
  finish.throwIfAborted()
  return await untilAborted(finish, Promise.resolve(fate))
}

const unavailable = (what: string, fault: MemoryFault) =>
  new ConnectorError('storage.unavailable', `${what}: simulated fault, ${fault}`)
