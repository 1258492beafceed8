import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import type { StreamAssignment } from '../../../connector/placement/placement.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { StoredText } from '../../../connector/storage/versioned-object.ts'
import { attempts } from '../../../connector/stream/attempt.ts'
import { runStream } from '../../../connector/stream/run-stream.ts'
import type { FaultHook } from '../../support/fakes/fake-kafka-cluster.ts'
import { requestedChecks } from '../../support/fakes/requested-checks.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { type AloneParts, runAlone, unattended } from '../../support/run-alone.ts'
import { never } from '../../support/signals.ts'
import { entered } from '../../support/stream-states.ts'
import { noon, pageOf } from '../pipeline/readings.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { KEY, type Stage, settled, stage } from './open/open-parts.ts'

const stopped = new DOMException('stop', 'AbortError')
const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')

function running(answers: readonly Answer[], of: Stage = {}, more: Partial<AloneParts> = {}) {
  const source = scriptedSource(answers)
  const on = stage({ source, ...of })
  const stopping = new AbortController()
  let ended = false
  const end = runAlone({ ...on.streamParts, ...more }, stopping.signal).finally(() => {
    ended = true
  })
  return {
    ...on,
    source,
    end,
    hasEnded: () => ended,
    stop: () => stopping.abort(stopped),
    /** Fires this many timers, running the stream until it waits after each. */
    pass: async (timers: number) => {
      for (let timer = 0; timer < timers; timer += 1) {
        await settled()
        on.clock.fireNext()
      }
      await settled()
    },
    warnings: () =>
      on.events.flatMap((event) => (event.kind === 'stream-retrying' && !event.isRepeated ? [event.code] : [])),
    pauses: () => on.events.flatMap((event) => (event.kind === 'stream-retrying' ? [event.pauseMs] : [])),
    states: () => on.events.flatMap((event) => (event.kind === 'stream-state' ? [event.state] : [])),
    published: () => on.kafka.committed.map(({ key }) => key),
  }
}
/** Every opening fails with `code`. */
const failing =
  (code: ErrorCode): FaultHook =>
  (operation) =>
    operation === 'open' ? Promise.reject(error(code)) : 'none'

describe('a stream', () => {
  test('ends when it has caught up, if configured to', async () => {
    const { end, published, states } = running(scanOf(2), { until: 'caught-up' })
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

    const pausing = running([], { kafka: failing('publish.unreachable') })
    await settled()
    expect(pausing.pauses()).toHaveLength(1)
    pausing.stop()
    expect(await pausing.end).toEqual({ kind: 'stopped' })
  })
})

describe('an unreachable group', () => {
  function unreachable() {
    const assignment: { now: StreamAssignment } = { now: 'unknown' }
    return { ...running(scanOf(1), { assignment: () => assignment.now }), assignment }
  }

  test('delays the opening indefinitely; then the stream runs', async () => {
    const { assignment, pass, states, published, events, stop, end } = unreachable()
    await pass(3_600)
    expect(states()).toEqual(['opening', 'group-unreachable'])
    assignment.now = 'here'
    await pass(1)
    expect(events).toContainEqual(entered('opening', 'group-unreachable', 3_601_000))
    expect(published()).toEqual(['1'])
    stop()
    await end
  })

  test('ends the stream as lost when it has assigned the stream to another replica', async () => {
    const { assignment, pass, states, end } = unreachable()
    await pass(1)
    assignment.now = 'elsewhere'
    await pass(1)
    expect(await end).toMatchObject({ kind: 'lost' })
    expect(states()).toEqual(['opening', 'group-unreachable', 'opening', 'lost', 'ended'])
  })

  test('is no failure of a stream when it falls silent while the stream opens', async () => {
    let asked = 0
    const answers: readonly StreamAssignment[] = ['here', 'here', 'unknown', 'unknown']
    const { pass, states, events, published, stop, end } = running(scanOf(1), {
      assignment: () => answers[asked++] ?? 'here',
    })
    await pass(2)
    expect(states()).toEqual(['opening', 'group-unreachable', 'opening', 'running'])
    expect(events.map(({ kind }) => kind)).not.toContain('stream-retrying')
    expect(published()).toEqual(['1'])
    stop()
    await end
  })

  test('does not delay a stop', async () => {
    const { pass, stop, end } = unreachable()
    await pass(1)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })
})

describe('a transient failure', () => {
  test('is retried indefinitely, with pauses that grow to a limit', async () => {
    const { pass, pauses, hasEnded, stop, end } = running([], { kafka: failing('publish.unreachable') })
    await pass(60)
    expect(hasEnded()).toBe(false)
    expect(pauses().slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1000, 1000])
    expect(pauses().length).toBeGreaterThan(50)
    stop()
    await end
  })

  test('is reported as repeated until its code changes or the checkpoint has moved', async () => {
    const unreachable = error('source.unreachable')
    const flaky = [unreachable, unreachable, error('source.timeout'), unreachable]
    const { pass, warnings, stop, end } = running([...flaky, ...scanOf(1), unreachable, unreachable])
    await pass(6)
    expect(warnings()).toEqual([
      ...['source.unreachable', 'source.timeout', 'source.unreachable'],
      'source.unreachable',
    ])
    stop()
    await end
  })

  test('at the start is also retried, and the stream then runs', async () => {
    let failures = 3
    const { pass, end, published } = running(scanOf(1), {
      until: 'caught-up',
      store: () => (failures-- > 0 ? 'before' : 'none'),
    })
    await pass(4)
    expect(await end).toEqual({ kind: 'caught-up' })
    expect(published()).toEqual(['1'])
  })

  test('starts with short pauses again when the checkpoint has moved', async () => {
    const flaky = [error('source.unreachable'), error('source.unreachable'), error('source.unreachable')]
    const { pass, pauses, stop, end } = running([...flaky, ...scanOf(1), ...flaky])
    await pass(5)
    expect(pauses()).toEqual([50, 100, 200, 50, 100])
    stop()
    await end
  })

  test('starts with short pauses again when an opening finds that the unknown transaction was committed', async () => {
    const lostResponses: Stage = { kafka: (operation) => (operation === 'commit' ? 'after' : 'none') }
    const { pass, pauses, published, stop, end } = running(
      [1, 2, 3, 4].map((No) => pageOf([{ No: `${No}` }])),
      lostResponses,
    )
    await pass(4)
    expect(pauses()).toEqual([50, 50, 50, 50])
    expect(published()).toEqual(['1', '2', '3', '4'])
    stop()
    await end
  })

  test('continues with longer pauses when an opening finds that nothing was committed', async () => {
    const notCommitted: Stage = { kafka: (operation) => (operation === 'commit' ? 'before' : 'none') }
    const { pass, pauses, stop, end } = running(
      [1, 2, 3].map((No) => pageOf([{ No: `${No}` }])),
      notCommitted,
    )
    await pass(3)
    expect(pauses()).toEqual([50, 100, 200])
    stop()
    await end
  })

  test('is followed by the pause that the failure requests', async () => {
    const throttled = new ConnectorError('source.throttled', 'scripted', { retryAfterMs: 7_000 })
    const reopening = { ...stage().streamParts.reopening, maxRetryAfterMs: 60_000 }
    const { pass, pauses, stop, end } = running([throttled, ...scanOf(1)], {}, { reopening })
    await pass(1)
    expect(pauses()).toEqual([7_000])
    stop()
    await end
  })

  test('Invariant 2: reopening resolves a commit without a response, and publishes nothing twice', async () => {
    for (const fault of ['before', 'after'] as const) {
      let faults = 1
      const on = running([...scanOf(1), ...scanOf(1)], {
        until: 'caught-up',
        kafka: (operation) => (operation === 'commit' && faults-- > 0 ? fault : 'none'),
      })
      await on.pass(4)
      expect(await on.end).toEqual({ kind: 'caught-up' })
      expect(on.published()).toEqual(['1'])
    }
  })
})

describe('an unavailable source', () => {
  /** A stream that has published client 1; after that, `failures` reads fail. */
  async function unavailable(failures: number) {
    const on = running(
      [...scanOf(1), ...Array.from({ length: failures }, () => error('source.unreachable')), ...scanOf(1, 2)],
      { retries: Number.POSITIVE_INFINITY },
    )
    await on.pass(1)
    expect(on.published()).toEqual(['1'])
    return on
  }
  const openings = (kinds: readonly string[]) => kinds.filter((kind) => kind === 'stream-claimed').length

  test('is retried in place, with no opening or claim, and no write except to record the last commit', async () => {
    const { pass, clock, kinds, store, published, source, events, stop, end } = await unavailable(500)
    const before = clock.now()
    await pass(490)
    expect(clock.now() - before).toBeGreaterThan(3_600_000)
    expect([openings(kinds()), store.history(KEY).length]).toEqual([1, 3])
    expect(published()).toEqual(['1'])
    await pass(20)
    expect(published()).toEqual(['1', '2'])
    expect(openings(kinds())).toBe(1)
    expect(source.asked.length).toBeGreaterThan(500)
    expect(events.find(({ kind }) => kind === 'read-recovered')).toMatchObject({ failures: 500 })
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('Invariant 6: does not delay a stop, and the last commit is recorded', async () => {
    const { pass, clock, store, stop, end } = await unavailable(500)
    await pass(3)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
    expect(clock.nextTimerAt()).toBeUndefined()
    expect(parseDocument(store.stored(KEY)?.text ?? '')).toMatchObject({ pending: null, committed: { seq: 1 } })
  })
})

describe('a stream that is not to be held', () => {
  test.each(['source.unauthorized', 'source.forbidden', 'publish.refused', 'storage.no-conditional-writes'] as const)(
    'ends at %s without a retry',
    async (code) => {
      const { end, events, pauses } = running([error(code)])
      expect(await end).toMatchObject({ kind: 'held' })
      expect(pauses()).toEqual([])
      expect(events.at(-2)).toMatchObject({ kind: 'stream-failed', code })
    },
  )

  test('ends at a bug that persists after five reopenings', async () => {
    const { pass, end, events, pauses } = running(Array.from({ length: 9 }, () => new TypeError('oops')))
    await pass(5)
    expect(await end).toMatchObject({ kind: 'held' })
    expect(pauses()).toHaveLength(5)
    expect(events.at(-2)).toMatchObject({ kind: 'stream-failed', code: 'bug' })
  })
})

describe('a stream of a service', () => {
  const minute = 60_000
  /** Checks reject with `checks` in order, and then pass. */
  function held(answers: readonly Answer[], checks: readonly ErrorCode[] = [], of: Stage = {}) {
    const checked: ErrorCode[] = []
    const check = async (code: ErrorCode) => {
      checked.push(code)
      const result = checks[checked.length - 1]
      if (result !== undefined) throw error(result)
    }
    const clock = of.clock ?? virtualClock(noon)
    const { requests } = requestedChecks(clock)
    const holding = { requests, firstPauseMs: minute, maxPauseMs: 15 * minute }
    const on = running(answers, { ...of, clock }, { holding, check })
    const reported = () => on.events.flatMap((event) => ('code' in event ? [`${event.kind} ${event.code}`] : []))
    return { ...on, checked, reported }
  }

  test.each([
    'source.unauthorized',
    'source.forbidden',
    'publish.refused',
    'storage.no-conditional-writes',
    'checkpoint.damaged',
    'config.invalid',
  ] as const)('is held at %s, and reopened when a check passes', async (code) => {
    const on = held([error(code), ...scanOf(1)], [code], { until: 'caught-up' })
    await settled()
    expect([on.hasEnded(), on.reported()]).toEqual([false, [`stream-held ${code}`]])
    on.clock.fireNext()
    await settled()
    expect(on.states().filter((state) => state === 'opening')).toHaveLength(1)
    on.clock.fireNext()
    expect(await on.end).toEqual({ kind: 'caught-up' })
    expect(on.published()).toEqual(['1'])
    expect(on.reported()).toEqual([`stream-held ${code}`, `stream-still-held ${code}`])
    expect(on.checked).toEqual([code, code])
  })

  test('is held at a bug that persists after five reopenings, and immediately at the next one', async () => {
    const on = held(Array.from({ length: 7 }, () => new TypeError('oops')))
    await on.pass(5)
    expect(on.reported().at(-1)).toBe('stream-held bug')
    await on.pass(1)
    expect(on.reported().slice(-2)).toEqual(['stream-held bug', 'stream-held bug'])
    expect(on.pauses()).toHaveLength(5)
    on.stop()
    await on.end
  })

  test('waits longer when it is held again, unless the checkpoint has moved in between', async () => {
    const on = held([error('source.forbidden'), error('source.forbidden'), ...scanOf(1), error('source.forbidden')])
    const pauses = () => on.events.flatMap((event) => (event.kind === 'stream-held' ? [event.pauseMs / minute] : []))
    await on.pass(3)
    expect(on.published()).toEqual(['1'])
    expect(pauses()).toEqual([1, 2, 1])
    on.stop()
    await on.end
  })

  test('starts with short pauses again when a transient failure follows a hold', async () => {
    const flaky = Array.from({ length: 3 }, () => error('source.unreachable'))
    const on = held([...flaky, error('source.forbidden'), ...flaky])
    await on.pass(6)
    expect(on.pauses()).toEqual([50, 100, 200, 50, 100, 200])
    on.stop()
    await on.end
  })

  test('is held while its adapters cannot be composed, and runs when a check passes', async () => {
    const clock = virtualClock(noon)
    const on = stage({ source: scriptedSource(scanOf(1)), until: 'caught-up', clock })
    const { requests } = requestedChecks(clock)
    const holding = { requests, firstPauseMs: minute, maxPauseMs: 15 * minute }
    let failures = 1
    const compose = () => ({
      check: async () => {},
      close: async () => {},
      attempt: attempts(() => {
        if (failures-- > 0) throw error('config.invalid')
        return on.streamParts
      }),
    })
    const { reopening, observe } = on.streamParts
    const parts = { ...unattended(never), compose, holding, reopening, finishWithinMs: minute, clock, observe }
    const end = runStream(parts, never)
    await settled()
    expect(on.kinds()).toEqual(['stream-state', 'stream-state', 'stream-held'])
    clock.fireNext()
    expect(await end).toEqual({ kind: 'caught-up' })
  })

  test('stops immediately while it is held', async () => {
    const on = held([error('source.forbidden')])
    await settled()
    on.stop()
    expect(await on.end).toEqual({ kind: 'stopped' })
    expect(on.states().at(-1)).toBe('ended')
    expect(on.checked).toEqual([])
  })
})

describe('a stream that fails', () => {
  test('is reopened after temporary bugs when the checkpoint moves or another failure occurs in between', async () => {
    const defects = Array.from({ length: 4 }, () => new TypeError('oops'))
    const answers = [...defects, error('source.unreachable'), ...defects, ...scanOf(1), ...defects]
    const { pass, end, pauses, stop } = running(answers)
    await pass(15)
    expect(pauses()).toHaveLength(13)
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('counts dead letters across reopenings', async () => {
    const withoutId = (count: number, name: string) =>
      pageOf(Array.from({ length: count }, (_, index) => ({ Nom: `${name}-${index}` })))
    const answers = [pageOf([{ No: '1' }]), withoutId(9, 'first'), error('source.unreachable'), withoutId(1, 'second')]
    const { pass, end, events } = running(answers)
    await pass(3)
    expect(await end).toMatchObject({ kind: 'held' })
    expect(events.at(-2)).toMatchObject({ kind: 'stream-failed', code: 'event.too-many-dead-letters' })
  })

  test('is lost when another replica has fenced it', async () => {
    const { end, states } = running([], { kafka: failing('publish.fenced') })
    const ended = await end
    expect(ended).toMatchObject({ kind: 'lost' })
    expect(ended.kind === 'lost' && codeOf(ended.error)).toBe('publish.fenced')
    expect(states()).toEqual(['opening', 'lost', 'ended'])
  })

  test.each([false, true])('reports a loss with whether it was already stopping (%s)', async (wasStopping) => {
    let stop = () => {}
    const kafka: FaultHook = (operation) => {
      if (operation !== 'commit') return 'none'
      if (wasStopping) stop()
      return Promise.reject(error('publish.fenced'))
    }
    const on = running(scanOf(1), { kafka })
    stop = on.stop
    expect((await on.end).kind).toBe('lost')
    expect(on.events).toContainEqual(expect.objectContaining({ kind: 'stream-lost', wasStopping }))
  })

  test('is lost and not taken back when another replica has claimed it', async () => {
    const answers = [pageOf([{ No: '1' }], { hasMoreResults: false }), ...scanOf(2, 2)]
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

  test('is lost when another process has claimed it, even if Kafka reports another failure', async () => {
    let claim = () => {}
    const kafka: FaultHook = (operation) => {
      if (operation !== 'commit') return 'none'
      claim()
      return Promise.reject(error('publish.failed'))
    }
    const on = running(scanOf(1), { kafka })
    claim = () => {
      const { claim: before, ...document } = JSON.parse(on.store.stored(KEY)?.text ?? '')
      on.store.tamper(KEY, JSON.stringify({ ...document, claim: { ...before, epoch: 9, owner: 'replica-2' } }))
    }
    await on.pass(1)
    expect(await on.end).toMatchObject({ kind: 'lost', error: { code: 'publish.fenced' } })
    expect(on.states()).toEqual(['opening', 'running', 'retrying', 'opening', 'lost', 'ended'])
  })

  test('leaves no producer open', async () => {
    for (const answers of [scanOf(1), [error('source.unauthorized')]]) {
      const on = stage({ source: scriptedSource(answers), until: 'caught-up' })
      let open = 0
      const publisher = {
        ...on.open.publisher,
        open: async (...args: Parameters<typeof on.open.publisher.open>) => {
          const producer = await on.open.publisher.open(...args)
          open += 1
          return {
            ...producer,
            close: async () => {
              open -= 1
            },
          }
        },
      }
      await runAlone({ ...on.streamParts, open: { ...on.open, publisher } }, never)
      expect(open).toBe(0)
    }
  })
})
