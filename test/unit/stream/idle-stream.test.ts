import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import type { StreamAssignment } from '../../../connector/placement/placement.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { rewriteCheckpoint } from '../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import type { FakeFault, FakeOperation } from '../../support/fakes/fake-event-publisher.ts'
import { runAlone } from '../../support/run-alone.ts'
import { never } from '../../support/signals.ts'
import { noon, pageOf } from '../pipeline/readings.ts'
import { scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { KEY, settled, stage } from './open/open-parts.ts'

const MINUTE = 60_000

/** A stream that has published client 1 and then polls every 5 s. Pages are empty, except after `change`. */
function running({ idleAfterMs = 10 * MINUTE } = {}) {
  const answers = [...scanOf(1)]
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
  const producers = { open: 0 }
  const publisher = {
    ...on.open.publisher,
    open: async (...args: Parameters<typeof on.open.publisher.open>) => {
      const producer = await on.open.publisher.open(...args)
      producers.open += 1
      const close = async () => {
        await producer.close()
        producers.open -= 1
      }
      return { ...producer, close }
    },
  }
  const assignment: { now: StreamAssignment } = { now: 'here' }
  const open = { ...on.open, publisher, assignment: () => assignment.now }
  const stopping = new AbortController()
  const end = runAlone({ ...on.streamParts, open, idleAfterMs }, stopping.signal)
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
    ...{ ...on, source, faults, operations, producers, assignment, end, pass, stored },
    change: (id: string) => coming.push(id),
    stop: () => stopping.abort(new DOMException('stop', 'AbortError')),
    published: () => on.kafka.committed.map(({ key }) => key),
    /** Advances the clock until the producer is closed. */
    untilIdle: async () => {
      await pass(11 * MINUTE)
      expect(producers.open).toBe(0)
    },
    claimByAnother: () => {
      const claimed = { ...stored(), nonce: 'other', claim: { epoch: 9, owner: 'replica-2', at: noon } }
      on.store.tamper(KEY, JSON.stringify(claimed))
    },
  }
}

describe('a stream that has nothing to publish for idleAfter', () => {
  test('closes its producer, with only the committed state in the document, and keeps polling', async () => {
    const { pass, producers, source, stored, kinds, stop, end } = running()
    await pass(9 * MINUTE)
    expect(producers.open).toBe(1)
    await pass(2 * MINUTE)
    expect(producers.open).toBe(0)
    expect(stored()).toMatchObject({ pending: null, committed: { seq: 1, by: 'commit-record' } })
    const polls = source.asked.length
    await pass(MINUTE)
    expect(source.asked.length).toBe(polls + 12)
    expect(kinds().filter((kind) => kind === 'producer-closed')).toHaveLength(1)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('still saves its resume point, at most once a minute', async () => {
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

  test('Invariants 1, 2: publishes the next change once, with the next sequence, under a new claim', async () => {
    const { untilIdle, pass, change, published, producers, source, stored, kafka, stop, end } = running()
    await untilIdle()
    const polls = source.asked.length
    change('2')
    await pass(5_000)
    expect(published()).toEqual(['1', '2'])
    expect(source.asked.length).toBe(polls + 1)
    expect(producers.open).toBe(1)
    expect(stored()).toMatchObject({ claim: { epoch: 2 }, pending: { epoch: 2, seq: 2 } })
    change('3')
    await pass(5_000)
    expect(kafka.committed.map(({ value }) => Number(JSON.parse(String(value)).sequence))).toEqual([0, 1, 2])
    expect(stored().claim.epoch).toBe(2)
    stop()
    await end
  })

  test('can become idle and publish repeatedly', async () => {
    const { untilIdle, pass, change, published, producers, stop, end } = running()
    for (const id of ['2', '3', '4']) {
      await untilIdle()
      change(id)
      await pass(5_000)
      expect(producers.open).toBe(1)
    }
    expect(published()).toEqual(['1', '2', '3', '4'])
    stop()
    await end
    expect(producers.open).toBe(0)
  })

  test('keeps its producer open when idleAfter is 0', async () => {
    const { pass, producers, stop, end } = running({ idleAfterMs: 0 })
    await pass(60 * MINUTE)
    expect(producers.open).toBe(1)
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

  test('when it has something to publish, before it fences', async () => {
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

  test('when an operator has set its checkpoint', async () => {
    const { untilIdle, pass, change, open, end, stored } = running()
    await untilIdle()
    const to = { kind: 'read-again' as const, from: '2026-01-01T00:00:00' as SourceTime }
    const request = { to, republish: true, timeZone: 'Europe/Paris' }
    await rewriteCheckpoint({ ...open, owner: 'operator' }, request, never)
    change('2')
    await pass(MINUTE)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(stored().committed).toMatchObject({ by: 'operator', state: { recheck: { from: to.from } } })
  })

  test('when it is no longer assigned here, without fencing', async () => {
    const { untilIdle, pass, change, assignment, operations, end } = running()
    await untilIdle()
    const before = operations.length
    assignment.now = 'elsewhere'
    change('2')
    await pass(5_000)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(operations.length).toBe(before)
  })
})

describe('an idle stream whose producer cannot be reopened', () => {
  test('waits without fencing while the group is unreachable, and publishes once when the group answers', async () => {
    const { untilIdle, pass, change, assignment, operations, published, kinds, stop, end } = running()
    await untilIdle()
    const before = operations.length
    assignment.now = 'unknown'
    change('2')
    await pass(10 * MINUTE)
    expect(kinds().at(-1)).toBe('group-unreachable')
    expect(operations.length).toBe(before)
    assignment.now = 'here'
    change('2')
    await pass(5_000)
    expect(kinds()).not.toContain('stream-lost')
    expect(published()).toEqual(['1', '2'])
    stop()
    await end
  })

  test('retries, and publishes the changes since then once', async () => {
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

  test('reopens from the current document when another process has written it', async () => {
    const { untilIdle, pass, change, store, stored, published, kinds, stop, end } = running()
    await untilIdle()
    store.tamper(KEY, JSON.stringify({ ...stored(), nonce: 'restored' }))
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
  test('while idle saves what was read', async () => {
    const { untilIdle, pass, stop, end, stored, operations, clock } = running()
    await untilIdle()
    await pass(30_000)
    const before = operations.length
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
    expect(stored()).toMatchObject({
      claim: { epoch: 1 },
      pending: null,
      committed: { state: { scans: { live: { scan: null } } } },
    })
    expect(stored().committed.state.scans.live.startedAt).toBeGreaterThan(clock.now() - 10_000)
    expect(operations.length).toBe(before)
  })

  test('while reopening the producer publishes the page in progress', async () => {
    const { untilIdle, pass, change, faults, published, producers, stored, stop, end } = running()
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
    expect([producers.open, stored().pending]).toEqual([0, null])
  })

  test('while the producer cannot be reopened in time is not a failure', async () => {
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
