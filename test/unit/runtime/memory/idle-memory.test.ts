import { setImmediate as nextMacrotask } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { collectWhenIdle, thisProcess } from '../../../../connector/runtime/memory/idle-memory.ts'

/** When memory is freed, in half minutes, if the process uses these shares of a core one after another. */
async function collections(shares: readonly number[]): Promise<number[]> {
  const stop = new AbortController()
  const found: number[] = []
  let spentMs = 0
  let at = -1
  const cpuMs = () => {
    if (at >= 0) spentMs += (shares[at] ?? 0) * 30_000
    at += 1
    if (at === shares.length) stop.abort()
    return spentMs
  }
  const clock = { sleep: async (_ms: number, signal: AbortSignal) => signal.throwIfAborted() }
  await collectWhenIdle({ cpuMs, collect: () => found.push(at) }, clock, stop.signal)
  return found
}

it('frees memory once in each quiet time', async () => {
  expect(await collections([0.9, 0.01, 0.01, 0.01, 0.5, 0.1, 0.1])).toEqual([2, 6])
})

it('never frees memory while the process is busy', async () => {
  expect(await collections([0.9, 0.3, 0.25])).toEqual([])
})

it('frees what nothing refers to any more', async () => {
  const gone = new WeakRef(Array.from({ length: 1_000_000 }, () => ({})))
  await nextMacrotask() // until then, a weak reference keeps its object
  thisProcess.collect()
  expect(gone.deref()).toBeUndefined()
})
