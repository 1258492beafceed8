import { describe, expect, test } from 'vitest'
import { followRequest } from '../../../../connector/commands/control/followed-request.ts'
import { exitCodeOf, followedLines } from '../../../../connector/commands/control/republish.ts'
import { type ControlDocument, noRequests, updateControl } from '../../../../connector/control/control-document.ts'
import {
  cancelled,
  type NewRequest,
  recorded,
  requested,
  withProgress,
} from '../../../../connector/control/requests.ts'
import { memoryStore } from '../../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))
const wanted = { kind: 'all', maxPerSecond: 100 } as const
const republish: NewRequest = { kind: 'republish', stream: 'paris', from: null, wanted }
const replica = { by: 'replica-1', at: 1 }

/** An operator follows request `2`; `1` is an older one of the same stream. */
async function following() {
  const clock = virtualClock(0)
  const store = memoryStore({})
  const object = store.object('shop/_control.json')
  let nonce = 0
  const parts = { object, storeReady: async () => {}, newNonce: () => `${++nonce}` }
  const change = (next: (document: ControlDocument) => ControlDocument | undefined) => updateControl(parts, next, never)
  const add = (id: string, request = republish) =>
    change((document) => requested(document, request, { id, by: 'operator', at: 1 }))
  await add('2')
  const reports: (readonly [number | null, string])[] = []
  const stop = new AbortController()
  const report = (share: number | null, text: string) => void reports.push([share, text])
  const follow = () => followRequest('2', { object, clock, report, stop: stop.signal })
  const pass = async (seconds: number) => {
    for (let turn = 0; turn < seconds * 2; turn += 1) {
      await settled()
      clock.fireNext()
    }
    await settled()
  }
  const running = (id: string) =>
    change((document) =>
      withProgress(document, new Map([[id, { id, published: 3, changed: 1, clients: 4, share: 0.5 }]]), replica),
    )
  const ended = (id: string, outcome: 'complete' | 'cancelled') =>
    change((document) => recorded(document, new Map([[id, { at: 9, outcome, published: 7 }]]), 'replica-1'))
  return { follow, add, change, running, ended, pass, reports, stop, clock, tamper: store.tamper }
}

describe('the operator who publishes again', () => {
  test('sees the progress until the request is complete, however long that takes', async () => {
    const { follow, running, ended, pass, reports } = await following()
    const following_ = follow()
    await running('2')
    await pass(60)
    expect(reports.at(-1)).toEqual([0.5, '4 clients read, 3 events published, 1 changed client besides'])
    await ended('2', 'complete')
    await pass(1)
    expect(await following_).toMatchObject({ kind: 'done', progress: { outcome: 'complete', published: 7 } })
  })

  test('waits 20 seconds for a replica that begins', async () => {
    const { follow, pass, clock, add } = await following()
    const waiting = follow()
    await pass(21)
    expect(await waiting).toEqual({ kind: 'waiting', isPaused: false })
    expect(clock.now()).toBe(20_000)
    await add('3', { kind: 'pause', stream: 'paris', reason: 'test' })
    const paused = follow()
    await pass(21)
    expect(await paused).toEqual({ kind: 'waiting', isPaused: true })
  })

  test('waits longer while another request of the stream is carried out', async () => {
    const { follow, pass, add, running, ended, reports } = await following()
    await add('1')
    await running('1')
    const waiting = follow()
    await pass(60)
    expect(reports.at(-1)).toEqual([null, 'waits for the end of request 1'])
    await ended('1', 'complete')
    await pass(21)
    expect(await waiting).toMatchObject({ kind: 'waiting' })
  })

  test('sees that it was cancelled, by the replica that has ended it', async () => {
    const { follow, running, change, ended, pass } = await following()
    const following_ = follow()
    await running('2')
    await change((document) => cancelled(document, '2', { by: 'operator-2', at: 5 }))
    await pass(1)
    await ended('2', 'cancelled')
    await pass(1)
    expect(await following_).toMatchObject({ kind: 'done', progress: { outcome: 'cancelled', by: 'replica-1' } })
  })

  test('may leave', async () => {
    const { follow, stop } = await following()
    const left = follow()
    await settled()
    stop.abort()
    expect(await left).toEqual({ kind: 'interrupted' })
  })

  test('learns that the control object is gone', async () => {
    const { follow, pass, tamper } = await following()
    const lost = follow()
    tamper('shop/_control.json', JSON.stringify(noRequests))
    await pass(1)
    expect(await lost).toEqual({ kind: 'gone' })
  })
})

describe('at the end the operator reads', () => {
  const ids = {
    id: 'one',
    idsByKey: new Map([
      ['key1', '42'],
      ['key2', '43'],
    ]),
  }
  const done = (outcome: 'complete' | 'cancelled', missing: readonly string[] = []) =>
    ({ kind: 'done', progress: { kind: 'done', by: 'replica-1', at: 9, outcome, published: 1, missing } }) as const

  test('how many events were published, and which clients were not found', () => {
    expect(followedLines(done('complete', ['key2']), ids)).toEqual([
      'complete: 1 event published, reported by replica-1',
      '1 of 2 clients found',
      'not found: 43',
    ])
    expect(followedLines(done('complete'), ids)).toEqual([
      'complete: 1 event published, reported by replica-1',
      '2 of 2 clients found',
      '1 found, but not published: erased or a dead letter; `polaris-connector audit --client` shows which',
    ])
    expect(followedLines(done('cancelled'), ids)).toHaveLength(2)
    expect(followedLines(done('cancelled'), { ...ids, idsByKey: new Map() })).toEqual([
      'cancelled: 1 event published, reported by replica-1',
    ])
  })

  test('the exit code 1 if a client was not found or nothing was published, 3 if it is not complete', () => {
    const nothing = { kind: 'done', by: 'replica-1', at: 9, outcome: 'complete', published: 0 } as const
    expect(exitCodeOf(done('complete'))).toBe(0)
    expect(exitCodeOf({ kind: 'done', progress: { ...nothing, changed: 1 } })).toBe(0)
    expect(exitCodeOf({ kind: 'done', progress: nothing })).toBe(1)
    expect(exitCodeOf(done('complete', ['key2']))).toBe(1)
    expect([exitCodeOf(done('cancelled')), exitCodeOf({ kind: 'interrupted' })]).toEqual([3, 3])
  })

  test('how to cancel a request that continues', () => {
    for (const followed of [{ kind: 'interrupted' }, { kind: 'waiting', isPaused: true }] as const)
      expect(followedLines(followed, ids).join('\n')).toContain('requests --cancel one')
    expect(followedLines({ kind: 'gone' }, ids)).toHaveLength(1)
  })
})
