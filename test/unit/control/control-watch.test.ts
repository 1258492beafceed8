import { describe, expect, test } from 'vitest'
import {
  type ControlDocument,
  noRequests,
  readControl,
  updateControl,
} from '../../../connector/control/control-document.ts'
import { CONTROL_PERIOD_MS, type ControlEvent, controlWatch } from '../../../connector/control/control-watch.ts'
import { cancelled, type NewRequest, openRequests, pauseOf, requested } from '../../../connector/control/requests.ts'
import type { SeenControl } from '../../../connector/control/stream-requests.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { type MemoryFault, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'

const KEY = 'shop/_control.json'
const settled = () => new Promise((resolve) => setImmediate(resolve))

function setUp() {
  const clock = virtualClock(1_000_000)
  const events: ControlEvent[] = []
  const calls: string[] = []
  const faults: MemoryFault[] = []
  const store = memoryStore({
    fault: ({ kind }) => {
      calls.push(kind)
      return faults.shift() ?? 'none'
    },
  })
  let nonces = 0
  const parts = { object: store.object(KEY), storeReady: async () => {}, newNonce: () => `nonce-${++nonces}` }
  const checkpoints = new Map<string, SeenControl>()
  const watched = { ...parts, clock, checkpoints: async () => checkpoints }
  const watch = controlWatch({ ...watched, replica: 'replica-1', observe: (event) => events.push(event) })
  const stop = new AbortController()
  const run = async () => {
    const running = watch.run(stop.signal)
    await settled()
    return running
  }
  const request = (wanted: NewRequest, id: string) =>
    updateControl(parts, (document) => requested(document, wanted, { id, by: 'operator-1', at: 1 }), never)
  const nextRead = async () => {
    clock.fireNext()
    await settled()
  }
  const kinds = () => events.map(({ kind }) => kind)
  return {
    watch,
    checkpoints,
    clock,
    store,
    parts,
    events,
    kinds,
    calls,
    faults,
    stop,
    run,
    request,
    nextRead,
  }
}

const pause = { kind: 'pause', stream: 'paris', reason: 'maintenance' } as const

describe('controlWatch', () => {
  test('makes one read every three seconds, however many wait for it', async () => {
    const { watch, run, nextRead, calls, clock, stop, request } = setUp()
    expect(watch.current()).toBeUndefined()
    void run()
    await settled()
    const waiting = ['paris', 'lyon'].map((stream) =>
      watch.until(() => pauseOf(watch.current() ?? noRequests, stream) !== undefined, stop.signal),
    )
    await request(pause, '1')
    await request({ ...pause, stream: 'lyon' }, '2')
    calls.length = 0
    const before = clock.now()
    await nextRead()
    expect(clock.now() - before).toBe(CONTROL_PERIOD_MS)
    expect(await Promise.all(waiting)).toEqual([true, true])
    expect(calls).toEqual(['read'])
    stop.abort()
  })

  test('records at once what was carried out, and tries again when the write fails', async () => {
    const { watch, run, nextRead, faults, parts, stop, request, calls } = setUp()
    await request(pause, '1')
    void run()
    await settled()
    faults.push('none', 'none', 'before')
    const [whole] = watch.current()?.requests ?? []
    watch.carriedOut(whole ?? { id: '1' })
    await settled()
    expect((await readControl(parts.object, never)).requests[0]?.progress).toEqual({ kind: 'requested' })
    await nextRead()
    const done = { kind: 'done', by: 'replica-1', at: 1_000_000 }
    expect((await readControl(parts.object, never)).requests[0]?.progress).toEqual(done)
    calls.length = 0
    await nextRead()
    expect(calls).toEqual(['read'])
    stop.abort()
  })

  test('what was read before a stream was opened does not count for it', async () => {
    const { watch, run, nextRead, faults, stop, request } = setUp()
    void run()
    await settled()
    await request(pause, '1')
    faults.push('before')
    const since = watch.since()
    expect(watch.current()).toBeDefined()
    await settled()
    expect(since()).toBeUndefined()
    await nextRead()
    expect(since()?.requests).toHaveLength(1)
    stop.abort()
  })

  test('records the newest progress once a period, and again if the write fails', async () => {
    const { watch, run, nextRead, faults, parts, stop, request, calls } = setUp()
    const wanted = { kind: 'all', maxPerSecond: 100 } as const
    await request({ kind: 'republish', stream: 'paris', from: null, wanted }, '1')
    void run()
    await settled()
    const progress = { id: '1', changed: 0, clients: 10, share: null }
    for (const published of [1, 2, 3]) watch.progressed({ ...progress, published })
    faults.push('none', 'none', 'before')
    calls.length = 0
    await nextRead()
    await nextRead()
    expect((await readControl(parts.object, never)).requests[0]?.progress).toMatchObject({
      ...{ kind: 'running', by: 'replica-1', published: 3, clients: 10, share: null },
    })
    await nextRead()
    expect(calls.filter((kind) => kind === 'write')).toHaveLength(2)
    stop.abort()
  })

  test('keeps the last known requests while the object cannot be read or is damaged, and reports each cause once', async () => {
    const { watch, run, nextRead, faults, store, events, kinds, stop, request } = setUp()
    await request(pause, '1')
    void run()
    await settled()
    const known = watch.current()
    faults.push('before', 'before')
    await nextRead()
    await nextRead()
    const good = store.stored(KEY)?.text
    store.tamper(KEY, 'garbage')
    await nextRead()
    expect(watch.current()).toBe(known)
    expect(codeOf(watch.failure())).toBe('control.damaged')
    store.tamper(KEY, good)
    await nextRead()
    expect(kinds()).toEqual(['control-read', 'control-failed', 'control-failed', 'control-recovered', 'control-read'])
    expect(events.flatMap((event) => ('code' in event ? [event.code] : []))).toEqual([
      'storage.unavailable',
      'control.damaged',
    ])
    expect(watch.failure()).toBeUndefined()
    stop.abort()
  })

  test('knows nothing until the first read succeeds; no object means no requests', async () => {
    const { watch, run, nextRead, faults, stop } = setUp()
    faults.push('before')
    void run()
    await settled()
    expect(watch.current()).toBeUndefined()
    await nextRead()
    expect(watch.current()?.requests).toEqual([])
    stop.abort()
  })

  test('ends when it is stopped', async () => {
    const { run, stop, clock } = setUp()
    const running = run()
    stop.abort()
    await running
    expect(clock.nextTimerAt()).toBeUndefined()
  })
})

test('concurrent requests of several operators are all stored', async () => {
  const { parts, request } = setUp()
  const streams = ['paris', 'lyon', 'nice', 'lille']
  await Promise.all(streams.map((stream, index) => request({ ...pause, stream }, String(index))))
  const { requests } = await readControl(parts.object, never)
  expect(requests.map(({ stream }) => stream).toSorted()).toEqual(streams.toSorted())
})

describe('a control object that is lost', () => {
  const isPaused = ({ watch }: ReturnType<typeof setUp>) => {
    const document = watch.current()
    return document && pauseOf(document, 'paris') !== undefined
  }

  async function running() {
    const on = setUp()
    void on.run()
    await on.request(pause, '1')
    await on.request({ kind: 'republish', stream: 'paris', from: null, wanted: { kind: 'clients', keys: ['7'] } }, '2')
    await on.nextRead()
    expect(isPaused(on)).toBe(true)
    return on
  }

  test.each([
    ['deleted', undefined],
    ['rolled back', JSON.stringify({ format: 1, nonce: 'n', revision: 1, requests: [] })],
  ])('because it was %s is written back at once and reported once; pauses stay in force', async (_, text) => {
    const on = await running()
    on.store.tamper(KEY, text)
    await on.nextRead()
    await on.nextRead()
    expect(isPaused(on)).toBe(true)
    const stored = await readControl(on.parts.object, never)
    expect([stored.revision, openRequests(stored, 'paris')]).toMatchObject([3, [{ id: '2' }]])
    expect(on.events.filter(({ kind }) => kind === 'control-lost')).toMatchObject([{ error: { code: 'control.lost' } }])
    on.stop.abort()
  })

  test('because it was rolled back gets again what this replica had carried out', async () => {
    const on = await running()
    const cancel = (document: ControlDocument) => cancelled(document, '2', { by: 'operator-1', at: 2 })
    await updateControl(on.parts, cancel, never)
    const before = on.store.stored(KEY)?.text
    on.watch.carriedOut({ id: '2', outcome: 'cancelled' })
    await on.nextRead()
    on.store.tamper(KEY, before)
    for (let read = 0; read < 2; read += 1) await on.nextRead()
    const { requests } = await readControl(on.parts.object, never)
    expect(requests.filter(({ id, progress }) => id === '2' && progress.kind !== 'done')).toEqual([])
    await on.request({ ...pause, stream: 'lyon' }, '3')
    const known = await readControl(on.parts.object, never)
    const raised = { ...JSON.parse(before ?? ''), revision: known.revision + 60 }
    on.store.tamper(KEY, JSON.stringify(raised))
    await on.nextRead()
    const stored = await readControl(on.parts.object, never)
    expect(stored.requests.find(({ id }) => id === '2')?.progress).toMatchObject({ kind: 'done', outcome: 'cancelled' })
    on.stop.abort()
  })

  test('because it is damaged stays as it is; pauses stay in force', async () => {
    const on = await running()
    on.store.tamper(KEY, '{')
    await on.nextRead()
    expect([isPaused(on), on.kinds().at(-1), on.store.stored(KEY)?.text]).toEqual([true, 'control-failed', '{'])
    on.stop.abort()
  })

  test('before a replica starts is written back from the checkpoints before any stream starts', async () => {
    const on = setUp()
    const seen = { id: 'p', reason: 'maintenance', requestedAt: 1, requestedBy: 'operator' }
    on.checkpoints.set('paris', { revision: 7, pause: seen })
    void on.run()
    await settled()
    expect(isPaused(on)).toBe(true)
    expect((await readControl(on.parts.object, never)).revision).toBe(8)
    expect(on.kinds()).toContain('control-lost')
    on.stop.abort()
  })

  test('is written back by one of two replicas only', async () => {
    const on = await running()
    const other: ControlEvent[] = []
    const watched = {
      ...{ ...on.parts, clock: on.clock, checkpoints: async () => on.checkpoints },
    }
    const second = controlWatch({ ...watched, replica: 'replica-2', observe: (event) => other.push(event) })
    void second.run(on.stop.signal)
    await settled()
    on.store.tamper(KEY, undefined)
    for (let read = 0; read < 4; read += 1) await on.nextRead()
    const lost = [...on.events, ...other].filter(({ kind }) => kind === 'control-lost')
    expect(lost).toHaveLength(1)
    expect((await readControl(on.parts.object, never)).revision).toBe(3)
    on.stop.abort()
  })
})
