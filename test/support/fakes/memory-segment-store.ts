import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { SegmentStore } from '../../../connector/storage/checkpoint-store.ts'

export type SegmentCall = { readonly kind: 'put' | 'get' | 'list' | 'remove'; readonly name: string }

/** `none`: the call works. `before`: nothing happened. `after`: it happened, the answer was lost. The last two reject with `storage.unavailable`. */
export type SegmentFault = 'none' | 'before' | 'after'

/** Segments in memory, shared by all replicas of a simulation. Deterministic, without timers. */
export interface MemorySegmentStore extends SegmentStore {
  /** What is stored, without a call. A test may change it. */
  readonly stored: Map<string, Uint8Array>
  /** Bytes of all puts so far. */
  written(): number
}

/** As a server answers: the caller may change or free the bytes. */
export const copyOf = (bytes: Uint8Array | undefined) => bytes && Uint8Array.from(bytes)

/** `fault` is asked before each call takes effect; it may wait, so that a schedule decides the order of calls. */
export function memorySegmentStore(
  fault: (call: SegmentCall) => SegmentFault | Promise<SegmentFault> = () => 'none',
): MemorySegmentStore {
  const stored = new Map<string, Uint8Array>()
  let written = 0
  const call = async <Result>(of: SegmentCall, finish: AbortSignal, work: () => Result): Promise<Result> => {
    finish.throwIfAborted()
    const fate = await fault(of)
    finish.throwIfAborted()
    if (fate === 'before') throw new ConnectorError('storage.unavailable', `${of.kind} segment ${of.name}`)
    const result = work()
    if (fate === 'after') throw new ConnectorError('storage.unavailable', `${of.kind} segment ${of.name}`)
    return result
  }
  return {
    stored,
    written: () => written,
    put: (name, bytes, finish) =>
      call({ kind: 'put', name }, finish, () => {
        const before = stored.get(name)
        if (before !== undefined && Buffer.compare(before, bytes) !== 0)
          throw new TypeError(`segment ${name} is reused`)
        stored.set(name, Uint8Array.from(bytes))
        written += bytes.length
      }),
    get: (name, finish) => call({ kind: 'get', name }, finish, () => copyOf(stored.get(name))),
    list: (finish) => call({ kind: 'list', name: '' }, finish, () => [...stored.keys()]),
    remove: (name, finish) => call({ kind: 'remove', name }, finish, () => void stored.delete(name)),
  }
}
