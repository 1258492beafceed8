import { describe, expect, test } from 'vitest'
import { runStream, type StreamParts } from '../../../connector/pipeline/run-stream.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { StoredText } from '../../../connector/storage/versioned-object.ts'
import type { FaultHook } from '../../support/fake-kafka-cluster.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { KEY, type Stage, settled, stage } from './open-parts.ts'
import { noon, pageOf } from './readings.ts'
import { type Answer, drainOf, scriptedSource } from './scripted-source.ts'

const stopped = new DOMException('stop', 'AbortError')
const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')

function running(answers: readonly Answer[], of: Stage = {}, more: Partial<StreamParts> = {}) {
  const source = scriptedSource(answers)
  const on = stage({ source, ...of })
  const stopping = new AbortController()
  let ended = false
  const end = runStream({ ...on.streamParts, ...more }, stopping.signal).finally(() => {
    ended = true
  })
  return {
    ...on,
    source,
    end,
    hasEnded: () => ended,
    stop: () => stopping.abort(stopped),
    /** Lets the stream go on until it waits, moves to the next timer, and so on. */
    pass: async (timers: number) => {
      for (let timer = 0; timer < timers; timer += 1) {
        await settled()
        on.clock.fireNext()
      }
      await settled()
    },
    pauses: () => on.events.flatMap((event) => (event.kind === 'stream-retrying' ? [event.pauseMs] : [])),
    published: () => on.kafka.committed.map(({ key }) => key),
  }
}
/** Every opening fails like this. */
const failing =
  (code: ErrorCode): FaultHook =>
  (operation) =>
    operation === 'open' ? Promise.reject(error(code)) : 'none'

describe('a stream', () => {
  test('ends with its drain where that is asked for', async () => {
    const { end, published, kinds } = running(drainOf(2), { until: 'one-drain' })
    expect(await end).toEqual({ kind: 'drained' })
    expect(published()).toEqual(['1', '2'])
    expect(kinds().at(-1)).toBe('stream-ended')
  })

  test('Invariant 6: stops when it is told to, before opening, while opening, while it runs and while it pauses', async () => {
    const unopened = new AbortController()
    unopened.abort(stopped)
    const idle = stage()
    expect(await runStream(idle.streamParts, unopened.signal)).toEqual({ kind: 'stopped' })
    expect(idle.store.history(KEY)).toEqual([])

    const opening = running([], { kafka: () => new Promise(() => {}) })
    await settled()
    opening.stop()
    expect(await opening.end).toEqual({ kind: 'stopped' })

    const busy = running([])
    await settled()
    busy.stop()
    expect(await busy.end).toEqual({ kind: 'stopped' })

    const pausing = running([], { kafka: failing('publish.unreachable') })
    await settled()
    expect(pausing.pauses()).toHaveLength(1)
    pausing.stop()
    expect(await pausing.end).toEqual({ kind: 'stopped' })
  })
})

describe('transient trouble', () => {
  test('is tried again for ever, with pauses that grow up to a limit', async () => {
    const { pass, pauses, hasEnded, stop, end } = running([], { kafka: failing('publish.unreachable') })
    await pass(60)
    expect(hasEnded()).toBe(false)
    expect(pauses().slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1000, 1000])
    expect(pauses().length).toBeGreaterThan(50)
    stop()
    await end
  })

  test('at start is tried again, too, and the stream then runs', async () => {
    let failures = 3
    const { pass, end, published } = running(drainOf(1), {
      until: 'one-drain',
      store: () => (failures-- > 0 ? 'before' : 'none'),
    })
    await pass(4)
    expect(await end).toEqual({ kind: 'drained' })
    expect(published()).toEqual(['1'])
  })

  test('once the checkpoint has moved begins with short pauses again', async () => {
    const flaky = [error('source.unreachable'), error('source.unreachable'), error('source.unreachable')]
    const { pass, pauses, stop, end } = running([...flaky, ...drainOf(1), ...flaky])
    await pass(5)
    expect(pauses()).toEqual([50, 100, 200, 50, 100])
    stop()
    await end
  })

  test('ends a one-shot command once its tries are spent', async () => {
    const reopening = { retries: 2, withinMs: 60_000, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0 }
    const { pass, end, kinds, pauses } = running([], { kafka: failing('publish.unreachable') }, { reopening })
    await pass(3)
    expect(await end).toMatchObject({ kind: 'failed' })
    expect(pauses()).toHaveLength(2)
    expect(kinds().at(-1)).toBe('stream-stopped')
  })

  test('ends a one-shot command when its time is over, however many tries are left', async () => {
    const reopening = { retries: 9, withinMs: 10_000, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0 }
    const clock = virtualClock(0)
    const slowly: FaultHook = async () => {
      clock.pass(6_000)
      throw error('publish.unreachable')
    }
    const { end, pauses, kinds } = running([], { kafka: slowly }, { reopening, clock })
    await settled()
    clock.fireNext()
    expect(await end).toMatchObject({ kind: 'failed' })
    expect(pauses()).toHaveLength(1)
    expect(kinds().at(-1)).toBe('stream-stopped')
  })

  test('Invariant 2: an end of a transaction without an answer is resolved by opening again, nothing twice', async () => {
    for (const fault of ['before', 'after'] as const) {
      let faults = 1
      const on = running([...drainOf(1), ...drainOf(1)], {
        until: 'one-drain',
        kafka: (operation) => (operation === 'commit' && faults-- > 0 ? fault : 'none'),
      })
      await on.pass(4)
      expect(await on.end).toEqual({ kind: 'drained' })
      expect(on.published()).toEqual(['1'])
    }
  })
})

describe('a stream that stops', () => {
  test.each([
    'source.unauthorized',
    'source.answer-malformed',
    'publish.refused',
    'storage.no-conditional-writes',
  ] as const)('does so at %s, with its error and without another try', async (code) => {
    const { end, events, pauses } = running([error(code)])
    expect(await end).toMatchObject({ kind: 'failed' })
    expect(pauses()).toEqual([])
    expect(events.at(-1)).toMatchObject({ kind: 'stream-stopped', code })
  })

  test('does so at a defect that is there again after five more openings', async () => {
    const { pass, end, events, pauses } = running(Array.from({ length: 9 }, () => new TypeError('oops')))
    await pass(5)
    expect(await end).toMatchObject({ kind: 'failed' })
    expect(pauses()).toHaveLength(5)
    expect(events.at(-1)).toMatchObject({ kind: 'stream-stopped', code: 'bug' })
  })

  test('does not at defects of the moment, between which the checkpoint moves or something else goes wrong', async () => {
    const defects = Array.from({ length: 4 }, () => new TypeError('oops'))
    const answers = [...defects, error('source.unreachable'), ...defects, ...drainOf(1), ...defects]
    const { pass, end, pauses, stop } = running(answers)
    await pass(15)
    expect(pauses()).toHaveLength(13)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('is lost to another replica when that has fenced it', async () => {
    const { end, kinds } = running([], { kafka: failing('publish.fenced') })
    const ended = await end
    expect(ended).toMatchObject({ kind: 'lost' })
    expect(ended.kind === 'lost' && codeOf(ended.error)).toBe('publish.fenced')
    expect(kinds().at(-1)).toBe('stream-lost')
  })

  test.each([false, true])('says when it is lost whether it was on its way out already (%s)', async (wasStopping) => {
    let stop = () => {}
    const kafka: FaultHook = (operation) => {
      if (operation !== 'commit') return 'none'
      if (wasStopping) stop()
      return Promise.reject(error('publish.fenced'))
    }
    const on = running(drainOf(1), { kafka })
    stop = on.stop
    expect((await on.end).kind).toBe('lost')
    expect(on.events.at(-1)).toMatchObject({ kind: 'stream-lost', wasStopping })
  })

  test('is lost, not taken back, when another replica has claimed it', async () => {
    const answers = [pageOf([{ No: '1' }], { hasMoreResults: false }), ...drainOf(2, 2)]
    const on = running(answers)
    await settled()
    expect(on.published()).toEqual(['1'])
    const before = on.store.stored(KEY) as StoredText
    const claimed = { ...JSON.parse(before.text), claim: { epoch: 9, owner: 'replica-2', at: noon } }
    on.store.tamper(KEY, JSON.stringify(claimed))
    await on.pass(1)
    expect(await on.end).toMatchObject({ kind: 'lost' })
    expect(JSON.parse(on.store.stored(KEY)?.text ?? '')).toEqual(claimed)
  })

  test('leaves no session open', async () => {
    for (const answers of [drainOf(1), [error('source.unauthorized')]]) {
      const on = stage({ source: scriptedSource(answers), until: 'one-drain' })
      let open = 0
      const publisher = {
        open: async (stop: AbortSignal) => {
          const session = await on.open.publisher.open(stop)
          open += 1
          return {
            ...session,
            close: async () => {
              open -= 1
            },
          }
        },
      }
      await runStream({ ...on.streamParts, open: { ...on.open, publisher } }, new AbortController().signal)
      expect(open).toBe(0)
    }
  })
})
