import { describe, expect, test } from 'vitest'
import { semaphore } from '../../../connector/runtime/semaphore.ts'
import { never } from '../../support/signals.ts'

/** A semaphore and the names of the permit holders. */
function setUp(permits: number) {
  const limit = semaphore(permits)
  const held = new Map<string, Disposable>()
  const acquire = async (name: string, stop = never) => {
    held.set(name, await limit.acquire(stop))
  }
  const release = async (name: string) => {
    held.get(name)?.[Symbol.dispose]()
    held.delete(name)
    await Promise.resolve()
  }
  return { acquire, release, holders: () => [...held.keys()].join(' ') }
}

describe('semaphore', () => {
  test('grants a limited number of permits, in the order of the requests', async () => {
    const { acquire, release, holders } = setUp(2)
    const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => acquire(name)))
    await Promise.resolve()
    expect(holders()).toBe('a b')
    await release('b')
    expect(holders()).toBe('a c')
    await release('a')
    expect(holders()).toBe('c d')
    await release('c')
    await all
    expect(holders()).toBe('d e')
  })

  test('rejects a request after a stop, and releases a permit only once', async () => {
    const limit = semaphore(1)
    await expect(limit.acquire(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
    const permit = await limit.acquire(never)
    permit[Symbol.dispose]()
    permit[Symbol.dispose]()
    await limit.acquire(never)
    const stopping = new AbortController()
    const third = limit.acquire(stopping.signal)
    stopping.abort(new Error('full'))
    await expect(third).rejects.toThrow('full')
  })

  test('skips a cancelled request without losing a permit', async () => {
    const { acquire, release, holders } = setUp(1)
    await acquire('a')
    const stopping = new AbortController()
    const cancelled = acquire('b', stopping.signal)
    const waiting = acquire('c')
    stopping.abort(new Error('cancelled'))
    await expect(cancelled).rejects.toThrow('cancelled')
    await release('a')
    await waiting
    expect(holders()).toBe('c')
    await release('c')
    await acquire('d')
    expect(holders()).toBe('d')
  })
})
