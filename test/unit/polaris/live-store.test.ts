import { describe, expect, it } from 'vitest'
import { answerForms } from '../../polaris/answer/render-page.ts'
import { fromTime } from '../../polaris/clients/client-store.ts'
import { DEFAULT_LATE, type LateOptions, type LiveStore, liveStore } from '../../polaris/clients/live-store.ts'
import { wallClockOf } from '../../polaris/wall-clock.ts'

const wall = wallClockOf('UTC')
const forms = answerForms({
  ...{ xmlStyle: 'xml-serializer', jsonStyle: 'bare', jsonDates: 'iso', wall },
  names: { list: 'clients', flag: 'hasMoreResults', token: 'checkpoint' },
})

/** A store of clients with the ids 1, 2, …, and its clock. */
function storeOf(clients: number, late: Partial<LateOptions> = {}) {
  const clock = { now: Date.parse('2026-03-02T10:00:00Z') }
  const store = liveStore({
    ...{ seed: 1, firstId: 1n, hasModificationTime: true, modificationField: 'time', wall, forms },
    ...{ now: () => clock.now, stampNow: () => clock.now, late: () => ({ ...DEFAULT_LATE, ...late }) },
  })
  store.add(clients, clock.now - 60_000)
  return { store, clock }
}

const START = fromTime('2000-01-01T00:00:00.000')

describe('modification times', () => {
  it('are distinct when clients change while the clock stands still', () => {
    const { store } = storeOf(1)
    const instants = [store.change('1'), store.change('1'), store.change('1')].map(({ instant }) => instant)
    expect(new Set(instants).size).toBe(3)
  })

  it('go back when the clock goes back', () => {
    const { store, clock } = storeOf(2)
    store.change('1')
    clock.now -= 3000
    expect(store.change('2').instant).toBe(clock.now)
  })
})

describe('a mass update', () => {
  it('keeps the order of places when its modification time is before that of other changes', () => {
    const { store, clock } = storeOf(3)
    const changed = store.change('3')
    clock.now = changed.instant - 1000
    store.massUpdate(2)
    expect(store.select(START, 10, 'xml').last).toMatchObject({ modified: changed.modified, index: 2 })
    expect(store.select(START, 2, 'xml')).toMatchObject({ count: 2, more: true, last: { index: 1 } })
  })

  it('creates all changes with one modification time', () => {
    const { store } = storeOf(30_000)
    const made = store.massUpdate(30_000)
    expect(made.length).toBe(30_000)
    expect(new Set(made.map(({ modified }) => modified)).size).toBe(1)
    expect(store.select(START, 1, 'xml').last.modified).toBe(made[0]?.modified)
  })
})

describe('late changes', () => {
  const versionOf = (store: LiveStore, id: string) => store.fieldsOf(id).NoVersion
  const version = (text: string) => ({ kind: 'number', text })

  it('become visible after the delay at their modification time when they are every n-th change', () => {
    const { store, clock } = storeOf(3, { every: 2, delayMs: 5000 })
    const made = ['1', '2', '3'].map((id) => store.change(id))
    const from = fromTime(made[0]?.modified ?? '')
    clock.now += 4999
    expect(store.select(from, 10, 'xml').count).toBe(2)
    clock.now += 1
    expect(store.select(from, 10, 'xml').count).toBe(3)
    const second = { modified: made[1]?.modified, index: 1 }
    expect(store.select(from, 2, 'xml').last).toMatchObject(second)
    expect(store.changes.slice(-3)).toEqual(made)
  })

  it('hide one change when it is given a delay', () => {
    const { store, clock } = storeOf(2)
    store.change('2', { lateMs: 1000 })
    store.change('1')
    expect([versionOf(store, '1'), versionOf(store, '2')]).toEqual([version('2'), version('1')])
    clock.now += 1000
    expect(versionOf(store, '2')).toEqual(version('2'))
  })

  it('never become visible when a later change of the client is visible', () => {
    const { store, clock } = storeOf(1)
    store.change('1', { lateMs: 1000 })
    store.change('1')
    clock.now += 1000
    expect(versionOf(store, '1')).toEqual(version('3'))
    expect(store.select(START, 10, 'xml').count).toBe(1)
  })

  it('stay hidden in a snapshot that was taken before', () => {
    const { store, clock } = storeOf(1)
    store.change('1', { lateMs: 1000 })
    const asOf = store.snapshot()
    clock.now += 1000
    const before = store.select(START, 10, 'xml', asOf).last.modified
    expect(before).toBe(store.changes[0]?.modified)
    expect(store.select(START, 10, 'xml').last.modified).toBe(store.changes[1]?.modified)
  })

  it('are every n-th client of a mass update', () => {
    const { store, clock } = storeOf(10, { every: 5, delayMs: 1000 })
    const [made] = store.massUpdate(10)
    const from = fromTime(made?.modified ?? '')
    expect(store.select(from, 10, 'xml').count).toBe(8)
    clock.now += 1000
    expect(store.select(from, 10, 'xml').count).toBe(10)
  })
})

describe('a change and back', () => {
  it('shows A, B and A at the given instants when they are in one second', () => {
    const { store, clock } = storeOf(1)
    const start = clock.now
    store.changeAndBack('1', [start + 100, start + 900])
    const versionAt = (instant: number) => {
      clock.now = instant
      return store.fieldsOf('1').NoVersion
    }
    const [a, b] = ['1', '2'].map((text) => ({ kind: 'number', text }))
    expect([start + 99, start + 100, start + 899, start + 900].map(versionAt)).toEqual([a, b, b, a])
    expect(store.changes.slice(-2).map(({ instant }) => instant)).toEqual([start + 100, start + 900])
  })

  it('makes both changes in order when both instants are past', () => {
    const { store, clock } = storeOf(1)
    store.changeAndBack('1', [clock.now, clock.now])
    expect(store.changes.map(({ version, instant }) => [version, instant])).toEqual([
      [1, clock.now - 60_000],
      [2, clock.now],
      [1, clock.now],
    ])
    expect(store.select(START, 10, 'xml')).toMatchObject({ count: 1, more: false })
  })
})

describe('a deleted client', () => {
  it('is not returned, changed with any client, or updated with many, until it is restored as it was', () => {
    const { store } = storeOf(3)
    const before = store.select(START, 10, 'xml')
    store.remove(['1', '2'])
    expect(store.select(START, 10, 'xml').count).toBe(1)
    expect(store.massUpdate(3)).toMatchObject([{ clientId: '3' }])
    expect(new Set(Array.from({ length: 20 }, () => store.change().clientId))).toEqual(new Set(['3']))
    expect(() => store.change('1')).toThrow('no client with id 1')
    store.restore(['1', '2'])
    expect(store.select(START, 2, 'xml').parts).toEqual(before.parts.slice(0, 2))
    expect(() => store.restore(['1'])).toThrow('client 1 is not deleted')
  })

  it('is still in a snapshot that was taken before', () => {
    const { store } = storeOf(2)
    const asOf = store.snapshot()
    store.remove(['1'])
    expect(store.select(START, 10, 'xml', asOf).count).toBe(2)
  })
})
