import { describe, expect, test } from 'vitest'
import { passingTurns, turns } from '../../../connector/runtime/turns.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const never = new AbortController().signal

/** Takes turns one after the other and notes who is in. */
function crowd(atATime: number) {
  const line = turns(atATime)
  const inside = new Map<string, Disposable>()
  const come = async (name: string, stop = never) => {
    inside.set(name, await line.take(stop))
  }
  const leave = async (name: string) => {
    inside.get(name)?.[Symbol.dispose]()
    inside.delete(name)
    await Promise.resolve()
  }
  return { come, leave, inside: () => [...inside.keys()].join(' ') }
}

describe('turns', () => {
  test('let so many in at a time, first come, first served', async () => {
    const { come, leave, inside } = crowd(2)
    const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => come(name)))
    await Promise.resolve()
    expect(inside()).toBe('a b')
    await leave('b')
    expect(inside()).toBe('a c')
    await leave('a')
    expect(inside()).toBe('c d')
    await leave('c')
    await all
    expect(inside()).toBe('d e')
  })

  test('pass over whoever gave up waiting, and leave nothing taken', async () => {
    const { come, leave, inside } = crowd(1)
    await come('a')
    const impatient = new AbortController()
    const given = come('b', impatient.signal)
    const patient = come('c')
    impatient.abort(new Error('no longer'))
    await expect(given).rejects.toThrow('no longer')
    await leave('a')
    await patient
    expect(inside()).toBe('c')
    await leave('c')
    await come('d')
    expect(inside()).toBe('d')
  })

  test('are not taken by whoever comes too late, and end once', async () => {
    const line = turns(1)
    await expect(line.take(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
    const turn = await line.take(never)
    turn[Symbol.dispose]()
    turn[Symbol.dispose]()
    await line.take(never)
    const impatient = new AbortController()
    const third = line.take(impatient.signal)
    impatient.abort(new Error('full'))
    await expect(third).rejects.toThrow('full')
  })
})

describe('turns that pass', () => {
  test('let the next one in once a turn is held for too long, and no further one when that ends at last', async () => {
    const clock = virtualClock(0)
    const line = passingTurns(turns(1), { ms: 1000, clock })
    const hanging = await line.take(never)
    const second = line.take(never)
    clock.fireNext()
    const held = await second
    expect(clock.monotonic()).toBe(1000)
    hanging[Symbol.dispose]()
    const impatient = new AbortController()
    const third = line.take(impatient.signal)
    impatient.abort(new Error('full'))
    await expect(third).rejects.toThrow('full')
    held[Symbol.dispose]()
    using _last = await line.take(never)
    expect(clock.monotonic()).toBe(1000)
  })
})
