import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { fromTime } from '../../polaris/clients/client-store.ts'
import { liveStore } from '../../polaris/clients/live-store.ts'
import { wallClockOf } from '../../polaris/wall-clock.ts'

/** A store of clients that changed a minute ago. */
function storeOf(clients: number) {
  vi.useFakeTimers({ now: Date.parse('2026-03-02T10:00:00Z'), toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = liveStore(wallClockOf('UTC'))
  store.add(clients, Date.now() - 60_000)
  return store
}

const START = fromTime('2000-01-01T00:00:00.000')

describe('modification times', () => {
  it('are distinct when clients change while the clock stands still', () => {
    const store = storeOf(1)
    const instants = [store.change('100001'), store.change('100001'), store.change('100001')].map(
      ({ instant }) => instant,
    )
    expect(new Set(instants).size).toBe(3)
  })

  it('go back when the clock goes back', () => {
    const store = storeOf(2)
    store.change('100001')
    vi.setSystemTime(Date.now() - 3000)
    expect(store.change('100002').instant).toBe(Date.now())
  })
})

describe('a mass update', () => {
  it('keeps the order of places when its modification time is before that of other changes', () => {
    const store = storeOf(3)
    const changed = store.change('100003')
    vi.setSystemTime(changed.instant - 1000)
    store.massUpdate(2)
    expect(store.select(START, 10, 'xml').last).toMatchObject({ modified: changed.modified, index: 2 })
    expect(store.select(START, 2, 'xml')).toMatchObject({ parts: [{}, {}], more: true, last: { index: 1 } })
  })

  it('creates all changes with one modification time', () => {
    const store = storeOf(30_000)
    const made = store.massUpdate(30_000)
    expect(made.length).toBe(30_000)
    expect(new Set(made.map(({ modified }) => modified)).size).toBe(1)
    expect(store.select(START, 1, 'xml').last.modified).toBe(made[0]?.modified)
  })
})

describe('a deleted client', () => {
  it('is not returned, changed with any client, or updated with many, until it is restored as it was', () => {
    const store = storeOf(3)
    const before = store.select(START, 10, 'xml')
    store.remove(['100001', '100002'])
    expect(store.select(START, 10, 'xml').parts).toHaveLength(1)
    expect(store.massUpdate(3)).toMatchObject([{ clientId: '100003' }])
    expect(new Set(Array.from({ length: 20 }, () => store.change().clientId))).toEqual(new Set(['100003']))
    expect(() => store.change('100001')).toThrow('no client with id 100001')
    store.restore(['100001', '100002'])
    expect(store.select(START, 2, 'xml').parts).toEqual(before.parts.slice(0, 2))
    expect(() => store.restore(['100001'])).toThrow('client 100001 is not deleted')
  })
})
