import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { rewriteCheckpoint } from '../../../connector/pipeline/rewrite-checkpoint.ts'
import { runStream } from '../../../connector/pipeline/run-stream.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import type { FakeFault, FakeOperation } from '../../support/fake-event-publisher.ts'
import { KEY, settled, stage } from './open-parts.ts'
import { noon, pageOf } from './readings.ts'
import { drainOf, scriptedSource } from './scripted-source.ts'

const MINUTE = 60_000
const { signal } = new AbortController()

/** A stream that has published client 1 and then polls, every 5 seconds, pages without clients until `change` says what the next one brings. */
function running({ idleAfterMs = 10 * MINUTE } = {}) {
  const answers = [...drainOf(1)]
  const coming: string[] = []
  const source = scriptedSource(
    new Proxy(answers, {
      get: (first, at) => first[Number(at)] ?? pageOf(coming.splice(0).map((No) => ({ No, Nom: 'new' }))),
    }),
  )
  const faults: { kafka?: (operation: FakeOperation) => FakeFault | Promise<FakeFault> } = {}
  const operations: FakeOperation[] = []
  const on = stage({
    source,
    kafka: (operation) => {
      operations.push(operation)
      return faults.kafka?.(operation) ?? 'none'
    },
  })
  const sessions = { open: 0 }
  const publisher = {
    open: async (stop: AbortSignal) => {
      const session = await on.open.publisher.open(stop)
      sessions.open += 1
      const close = async () => {
        await session.close()
        sessions.open -= 1
      }
      return { ...session, close }
    },
  }
  const isAssigned = { now: true }
  const open = { ...on.open, publisher, isAssigned: () => isAssigned.now }
  const stopping = new AbortController()
  const end = runStream({ ...on.streamParts, open, idleAfterMs }, stopping.signal)
  const pass = async (ms: number) => {
    const until = on.clock.now() + ms
    await settled()
    while ((on.clock.nextTimerAt() ?? Number.POSITIVE_INFINITY) <= until) {
      on.clock.fireNext()
      await settled()
    }
    on.clock.pass(until - on.clock.now())
  }
  const stored = () => parseDocument(on.store.stored(KEY)?.text ?? '')
  return {
    ...{ ...on, source, faults, operations, sessions, isAssigned, end, pass, stored },
    change: (id: string) => coming.push(id),
    stop: () => stopping.abort(new DOMException('stop', 'AbortError')),
    published: () => on.kafka.committed.map(({ key }) => key),
    /** Lets it become idle. */
    untilIdle: async () => {
      await pass(11 * MINUTE)
      expect(sessions.open).toBe(0)
    },
    claimByAnother: () => {
      const claimed = { ...stored(), nonce: 'other', claim: { epoch: 9, owner: 'replica-2', at: noon } }
      on.store.tamper(KEY, JSON.stringify(claimed))
    },
  }
}

describe('a stream that has nothing to publish for long enough', () => {
  test('closes its session, with the truth alone in the document, and goes on polling', async () => {
    const { pass, sessions, source, stored, kinds, stop, end } = running()
    await pass(9 * MINUTE)
    expect(sessions.open).toBe(1)
    await pass(2 * MINUTE)
    expect(sessions.open).toBe(0)
    expect(stored()).toMatchObject({ pending: null, committed: { seq: 1, by: 'note' } })
    const polls = source.asked.length
    await pass(MINUTE)
    expect(source.asked.length).toBe(polls + 12)
    expect(kinds().filter((kind) => kind === 'session-closed')).toHaveLength(1)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('still saves where it stands once a minute at most', async () => {
    const { untilIdle, pass, store, stored, stop, end } = running()
    await untilIdle()
    const writes = store.history(KEY).length
    await pass(10 * MINUTE)
    expect(store.history(KEY).length - writes).toBeGreaterThanOrEqual(9)
    expect(store.history(KEY).length - writes).toBeLessThanOrEqual(10)
    expect(stored().claim.epoch).toBe(1)
    stop()
    await end
  })

  test('Invariants 1, 2: publishes what comes then once and with the next number, under a new claim, without reading it again', async () => {
    const { untilIdle, pass, change, published, sessions, source, stored, kafka, stop, end } = running()
    await untilIdle()
    const polls = source.asked.length
    change('2')
    await pass(5_000)
    expect(published()).toEqual(['1', '2'])
    expect(source.asked.length).toBe(polls + 1)
    expect(sessions.open).toBe(1)
    expect(stored()).toMatchObject({ claim: { epoch: 2 }, pending: { epoch: 2, seq: 2 } })
    change('3')
    await pass(5_000)
    expect(kafka.committed.map(({ value }) => Number(JSON.parse(value).sequence))).toEqual([0, 1, 2])
    expect(stored().claim.epoch).toBe(2)
    stop()
    await end
  })

  test('rests and wakes again and again', async () => {
    const { untilIdle, pass, change, published, sessions, stop, end } = running()
    for (const id of ['2', '3', '4']) {
      await untilIdle()
      change(id)
      await pass(5_000)
      expect(sessions.open).toBe(1)
    }
    expect(published()).toEqual(['1', '2', '3', '4'])
    stop()
    await end
    expect(sessions.open).toBe(0)
  })

  test('keeps its session where the setting says so', async () => {
    const { pass, sessions, stop, end } = running({ idleAfterMs: 0 })
    await pass(60 * MINUTE)
    expect(sessions.open).toBe(1)
    stop()
    await end
  })
})

describe('Invariant 4: an idle stream that another replica claimed is lost', () => {
  test('when it saves', async () => {
    const { untilIdle, pass, claimByAnother, stored, end } = running()
    await untilIdle()
    claimByAnother()
    await pass(MINUTE)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(stored().claim).toMatchObject({ epoch: 9, owner: 'replica-2' })
  })

  test('when it has something to publish, before it fences anybody', async () => {
    const { untilIdle, pass, change, claimByAnother, operations, published, end } = running()
    await untilIdle()
    await pass(MINUTE)
    const before = operations.length
    claimByAnother()
    change('2')
    await pass(5_000)
    const ended = await end
    expect(ended.kind === 'lost' && codeOf(ended.error)).toBe('publish.fenced')
    expect(operations.length).toBe(before)
    expect(published()).toEqual(['1'])
  })

  test('when an operator set its checkpoint', async () => {
    const { untilIdle, pass, change, open, end, stored } = running()
    await untilIdle()
    const to = { lastChanged: '2026-01-01T00:00:00' as SourceTime, checkPoint: null, limit: 2, output: 'json' as const }
    await rewriteCheckpoint({ ...open, owner: 'operator' }, to, signal)
    change('2')
    await pass(MINUTE)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(stored().committed).toMatchObject({ by: 'operator', state: { resume: { lastChanged: to.lastChanged } } })
  })

  test('when it is no longer assigned here, and has fenced nobody', async () => {
    const { untilIdle, pass, change, isAssigned, operations, end } = running()
    await untilIdle()
    const before = operations.length
    isAssigned.now = false
    change('2')
    await pass(5_000)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(operations.length).toBe(before)
  })
})

describe('trouble on waking', () => {
  test('is tried again; what came meanwhile is published once', async () => {
    const { untilIdle, pass, change, faults, published, kinds, stop, end } = running()
    await untilIdle()
    let failures = 3
    faults.kafka = (operation) =>
      operation === 'open' && failures-- > 0
        ? Promise.reject(new ConnectorError('publish.unreachable', 'scripted'))
        : 'none'
    change('2')
    await pass(5_000)
    expect(kinds()).toContain('stream-retrying')
    change('2')
    await pass(30_000)
    expect(published()).toEqual(['1', '2'])
    stop()
    await end
  })

  test('a document that somebody else touched is opened anew, from where it stands', async () => {
    const { untilIdle, pass, change, store, stored, published, kinds, stop, end } = running()
    await untilIdle()
    store.tamper(KEY, JSON.stringify({ ...stored(), nonce: 'put back' }))
    change('2')
    await pass(5_000)
    expect(kinds()).toContain('stream-retrying')
    change('2')
    await pass(30_000)
    expect(published()).toEqual(['1', '2'])
    stop()
    await end
  })
})

describe('Invariant 6: a stop', () => {
  test('while it is idle saves where it stands', async () => {
    const { untilIdle, pass, source, stop, end, stored, operations } = running()
    await untilIdle()
    await pass(30_000)
    const before = operations.length
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
    expect(source.asked.at(-1)?.lastChanged).toBe('2026-06-15T11:55:00')
    expect(stored()).toMatchObject({
      claim: { epoch: 1 },
      pending: null,
      committed: { state: { resume: { drain: 'due' } } },
    })
    expect(operations.length).toBe(before)
  })

  test('while it wakes up finishes the page in hand', async () => {
    const { untilIdle, pass, change, faults, published, sessions, stored, stop, end } = running()
    await untilIdle()
    const opened = Promise.withResolvers<FakeFault>()
    faults.kafka = (operation) => (operation === 'open' ? opened.promise : 'none')
    change('2')
    await pass(5_000)
    stop()
    await settled()
    expect(published()).toEqual(['1'])
    opened.resolve('none')
    expect(await end).toEqual({ kind: 'stopped' })
    expect(published()).toEqual(['1', '2'])
    expect([sessions.open, stored().pending]).toEqual([0, null])
  })

  test('while it cannot wake up in time is no failure of the stream', async () => {
    const { untilIdle, pass, change, faults, giveUp, stop, end, published } = running()
    await untilIdle()
    faults.kafka = (operation) => (operation === 'open' ? new Promise(() => undefined) : 'none')
    change('2')
    await pass(5_000)
    stop()
    giveUp.abort(new DOMException('not finished in time', 'TimeoutError'))
    expect(await end).toEqual({ kind: 'stopped' })
    expect(published()).toEqual(['1'])
  })
})
