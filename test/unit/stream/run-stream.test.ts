import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { ClientSource, Page } from '../../../connector/source/client-source.ts'
import { tryPauses } from '../../../connector/stream/stream-tries.ts'
import { logLineOf } from '../../../connector/telemetry/events/event-observers.ts'
import type { FaultHook } from '../../support/fakes/fake-kafka-cluster.ts'
import { settled } from '../../support/fakes/virtual-clock.ts'
import { type AloneParts, runAlone } from '../../support/run-alone.ts'
import { never } from '../../support/signals.ts'
import { pageOf } from '../pipeline/readings.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { beginAt, KEY, type Stage, stage } from './open/open-parts.ts'

// One stream runs on fakes in virtual time; its events, documents and published keys show what it does.

const stopped = new DOMException('stop', 'AbortError')
const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')

function running(answers: readonly Answer[], of: Stage = {}, more: Partial<AloneParts> = {}) {
  const source = scriptedSource(answers)
  const on = stage({ source, ...of })
  const stopping = new AbortController()
  // Nobody changes the wishes here.
  const parts = { ...on.streamParts, lookEveryMs: Number.POSITIVE_INFINITY, ...more }
  const end = runAlone(parts, stopping.signal)
  return {
    ...on,
    source,
    end,
    stop: () => stopping.abort(stopped),
  }
}
/** Every opening fails with `code`. */
const failing =
  (code: ErrorCode): FaultHook =>
  (operation) =>
    operation === 'open' ? Promise.reject(error(code)) : 'none'

describe('a stream', () => {
  test('ends when it has caught up, if configured to', async () => {
    const { end, published, states } = running(scanOf(2), { endsWhen: 'caught-up' })
    expect(await end).toEqual({ kind: 'caught-up' })
    expect(published()).toEqual(['1', '2'])
    expect(states()).toEqual(['opening', 'running', 'ended'])
  })

  test('Invariant 6: stops on request before opening, while opening, while running and during a pause', async () => {
    const unopened = new AbortController()
    unopened.abort(stopped)
    const idle = stage()
    expect(await runAlone(idle.streamParts, unopened.signal)).toEqual({ kind: 'stopped' })
    expect(idle.store.history(KEY)).toEqual([])

    const opening = running([], { kafka: () => new Promise(() => {}) })
    await settled()
    opening.stop()
    expect(await opening.end).toEqual({ kind: 'stopped' })

    const busy = running([])
    await settled()
    busy.stop()
    expect(await busy.end).toEqual({ kind: 'stopped' })

    const pausing = running([], { kafka: failing('publish.failed') })
    await settled()
    expect(pausing.failures()).toHaveLength(1)
    pausing.stop()
    expect(await pausing.end).toEqual({ kind: 'stopped' })
  })
})

const hanging = new Promise<never>(() => {})

test.each([
  ['store', { store: (call) => (call.kind === 'write' && !call.text.includes('"pending":null') ? hanging : 'none') }],
  ['send', { kafka: (operation) => (operation === 'send' ? hanging : 'none') }],
  ['commit', { kafka: (operation) => (operation === 'commit' ? hanging : 'none') }],
] satisfies [string, Stage][])('a stop that gives up a page is no failure: %s hangs', async (_what, of: Stage) => {
  const on = stage({ source: historyOnly([pageOf([{ No: '1' }])]), ...of })
  const stopping = new AbortController()
  const pipelineParts = { ...on.pipelineParts, deliverWithinMs: 30_000 }
  const end = runAlone({ ...on.streamParts, pipelineParts, whenHeld: 'waits' }, stopping.signal)
  await on.clock.advance(1_000)
  stopping.abort(stopped)
  await on.clock.advance(15_000)
  expect(await end).toEqual({ kind: 'stopped' })
  expect(on.failures()).toEqual([])
})

/** A history of these pages; live scans find nothing. */
const historyOnly = (pages: readonly Page[]): ClientSource => ({
  read: async ({ lastChanged, checkPoint }) => {
    if (lastChanged !== beginAt) return pageOf([])
    return pages[checkPoint === null ? 0 : Number(checkPoint.slice(1))] ?? pageOf([])
  },
})

/** A stream of a service, with the pauses of the product. */
function serving(source: ClientSource, of: Stage = {}) {
  const on = stage({ ...of, source })
  const stopping = new AbortController()
  const end = runAlone({ ...on.streamParts, whenHeld: 'waits', pauses: tryPauses }, stopping.signal)
  const lines = () =>
    on.events.flatMap((event) => {
      const line = event.kind === 'stream-state' ? logLineOf('clients', event) : undefined
      return line === undefined || line.level === 'debug' ? [] : [`${line.level} ${line.message}`]
    })
  return {
    ...on,
    lines,
    stop: async () => {
      stopping.abort(stopped)
      return await end
    },
  }
}

const minute = 60_000
const failingSend =
  (code: ErrorCode, isFailing: () => boolean = () => true): FaultHook =>
  (operation) =>
    operation === 'send' && isFailing() ? Promise.reject(error(code)) : 'none'

describe('a failure that comes back beside live scans that find nothing', () => {
  test('of a delivery shows as failing, is a warning, and does not resume a second time', async () => {
    const on = serving(historyOnly(scanOf(1)), { kafka: failingSend('publish.failed') })
    await on.clock.advance(30 * minute)
    expect(on.states()).toEqual(['opening', 'running', 'retrying', 'running', 'retrying'])
    expect(on.lines()).toEqual([
      'info stream failed, reopening',
      'info stream resumes',
      'warn stream failed, reopening',
    ])
    // Pauses of at most 30 seconds, half of that on average here.
    expect(on.failures().length).toBeLessThan(130)
    expect(await on.stop()).toEqual({ kind: 'stopped' })
  })

  test('of a page that holds the stream is tried again after 1, 2, 4, 8 and 15 minutes', async () => {
    const withoutIds = pageOf(Array.from({ length: 12 }, (_, index) => ({ No: '\ufffd', Nom: `${index}` })))
    const on = serving(historyOnly([withoutIds]))
    await on.clock.advance(31 * minute)
    expect(on.failures().map(({ code, pauseMs }) => [code, pauseMs / minute])).toEqual(
      [1, 2, 4, 8, 15, 15].map((minutes) => ['event.too-many-dead-letters', minutes]),
    )
    expect(on.lines()).toEqual([
      'error stream held, trying again slowly',
      'info stream resumes',
      'error stream held, trying again slowly',
    ])
    expect(on.states().at(-1)).toBe('held')
    await on.stop()
  })
})

describe('a delivery that fails', () => {
  test('is tried again with one page, and with larger groups once that is committed', async () => {
    let failures = 2
    const on = serving(historyOnly(scanOf(9)), { kafka: failingSend('publish.failed', () => failures-- > 0) })
    await on.clock.advance(minute)
    const groups = on.events.flatMap((event) =>
      event.kind === 'pages-published' && event.countsByLane.has('history') ? [event.pages] : [],
    )
    // It came back once: then only five minutes without it end it.
    expect([on.published().length, groups]).toEqual([9, Array(9).fill(1)])
    await on.stop()
  })
})

describe('an unavailable source', () => {
  test('is retried in place, with no opening or claim, and no write except to record the last commit', async () => {
    const failures = Array.from({ length: 500 }, () => error('source.unreachable'))
    const answers = [...scanOf(1), ...failures, ...scanOf(1, 2)]
    const { clock, kinds, store, published, source, events, stop, end } = running(answers, {
      retries: Number.POSITIVE_INFINITY,
    })
    const openings = () => kinds().filter((kind) => kind === 'stream-claimed').length
    await clock.advance(60 * minute)
    expect([openings(), store.history(KEY).length]).toEqual([1, 3])
    expect(published()).toEqual(['1'])
    await clock.advance(120 * minute)
    expect(published()).toEqual(['1', '2'])
    expect(openings()).toBe(1)
    expect(source.asked.length).toBeGreaterThan(500)
    expect(events.find(({ kind }) => kind === 'read-recovered')).toMatchObject({ failures: 500 })
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })
})

describe('a stream of a service', () => {
  function held(answers: readonly Answer[], of: Stage = {}) {
    const on = running(answers, of, { whenHeld: 'waits' })
    const reported = () => on.failures().map(({ state, code }) => `${state} ${code}`)
    const openings = () => on.kinds().filter((kind) => kind === 'stream-claimed').length
    return { ...on, reported, openings }
  }

  test('that is held by its source stays open, and repeats the read after a minute', async () => {
    const refused = error('source.unauthorized')
    const on = held([refused, refused, ...scanOf(1)], { endsWhen: 'caught-up' })
    await settled()
    expect(on.states()).toEqual(['opening', 'running', 'held'])
    await on.clock.advance(minute - 1)
    expect(on.source.asked).toHaveLength(1)
    await on.clock.advance(1)
    expect(on.source.asked).toHaveLength(2)
    await on.clock.advance(2 * minute)
    expect(await on.end).toEqual({ kind: 'caught-up' })
    expect(on.published()).toEqual(['1'])
    expect(on.reported()).toEqual(['held source.unauthorized', 'held source.unauthorized'])
    expect(on.openings()).toBe(1)
  })

  test('that is held in its opening opens again after a minute', async () => {
    let failures = 2
    const kafka: FaultHook = (operation) =>
      operation === 'open' && failures-- > 0 ? Promise.reject(error('bug')) : 'none'
    const on = held(scanOf(1), { endsWhen: 'caught-up', kafka })
    await on.clock.advance(3 * minute - 1)
    expect(on.states().at(-1)).toBe('held')
    await on.clock.advance(1)
    expect(await on.end).toEqual({ kind: 'caught-up' })
    expect(on.reported()).toEqual(['held bug', 'held bug'])
    expect(on.states()).toEqual(['opening', 'held', 'running', 'ended'])
  })

  test('Invariant 1: publishes what it has read before it is held, and saves it', async () => {
    const on = held([...scanOf(1), error('source.unauthorized')])
    await on.clock.advance(minute / 2)
    expect(on.published()).toEqual(['1'])
    expect(on.reported()).toEqual(['held source.unauthorized'])
    expect(on.document()).toMatchObject({ pending: null, committed: { seq: 1 } })
    on.stop()
    await on.end
  })

  test('Invariant 6: stops immediately while it is held, and gives up its ownership', async () => {
    const on = held([...scanOf(1), error('source.forbidden')])
    await on.clock.advance(minute / 2)
    on.stop()
    expect(await on.end).toEqual({ kind: 'stopped' })
    expect(on.states().at(-1)).toBe('ended')
    expect(on.document()).toMatchObject({ claim: { owner: null }, pending: null })
  })
})

describe('a stream that fails', () => {
  test('counts dead letters across reopenings', async () => {
    const withoutId = (count: number, name: string) =>
      pageOf(Array.from({ length: count }, (_, index) => ({ No: '\ufffd', Nom: `${name}-${index}` })))
    const answers = [pageOf([{ No: '1' }]), withoutId(9, 'first'), error('source.unreachable'), withoutId(1, 'second')]
    const { clock, end, failures } = running(answers)
    await clock.advance(minute)
    expect(await end).toMatchObject({ kind: 'held' })
    expect(failures().at(-1)).toMatchObject({ state: 'ended', code: 'event.too-many-dead-letters' })
  })

  test('leaves no producer open', async () => {
    for (const answers of [scanOf(1), [error('source.unauthorized')]]) {
      const on = stage({ source: scriptedSource(answers), endsWhen: 'caught-up' })
      await runAlone(on.streamParts, never)
      expect([on.kinds().includes('stream-claimed'), on.producers()]).toEqual([true, 0])
    }
  })
})
