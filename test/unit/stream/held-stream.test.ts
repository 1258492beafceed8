import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { stayHeld } from '../../../connector/stream/held-stream.ts'
import { createTries } from '../../../connector/stream/tries.ts'
import { requestedChecks } from '../../support/fakes/requested-checks.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { settled } from './open/open-parts.ts'

const minute = 60_000
const error = (code: ErrorCode, retryAfterMs?: number) => new ConnectorError(code, 'scripted', { retryAfterMs })

/** The result of a check: the code or error it rejects with, or that it passes or hangs. */
type Check = ErrorCode | ConnectorError | 'passes' | 'hangs'

function holding(checks: readonly Check[]) {
  const clock = virtualClock(0)
  const control = requestedChecks(clock)
  const events: PipelineEvent[] = []
  const checkedAt: number[] = []
  const checkedFor: ErrorCode[] = []
  const check = async (code: ErrorCode, stop: AbortSignal) => {
    const next = checks[checkedAt.length] ?? 'passes'
    checkedAt.push(clock.now() / minute)
    checkedFor.push(code)
    if (next === 'hangs') return await clock.sleep(Number.POSITIVE_INFINITY, stop)
    if (next !== 'passes') throw typeof next === 'string' ? error(next) : next
  }
  const { requests } = control
  const policy = { requests, firstPauseMs: minute, maxPauseMs: 15 * minute }
  const reopening = { firstPauseMs: 0, maxPauseMs: 0, maxRetryAfterMs: 0 }
  const tries = createTries({ reopening, holding: policy }, clock)
  const observe = (event: PipelineEvent) => events.push(event)
  const stop = new AbortController()
  const hold = (cause: unknown) => stayHeld({ ...policy, check, tries, observe }, cause, stop.signal)
  /** Holds with `cause` and fires timers until the hold has ended. */
  const untilPassed = async (cause: ErrorCode | ConnectorError) => {
    let ended = false
    const end = hold(typeof cause === 'string' ? error(cause) : cause).finally(() => {
      ended = true
    })
    for (await settled(); !ended; await settled()) clock.fireNext()
    await end
  }
  const reported = () => events.map((event) => ('code' in event ? `${event.kind} ${event.code}` : event.kind))
  return { hold, tries, clock, control, stop, events, checkedAt, checkedFor, untilPassed, reported }
}

test('checks a held stream after a minute, then with pauses that double up to 15 minutes', async () => {
  const still = Array.from({ length: 6 }, () => 'checkpoint.missing' as const)
  const { untilPassed, checkedAt, reported } = holding(still)
  await untilPassed('checkpoint.missing')
  expect(checkedAt).toEqual([1, 3, 7, 15, 30, 45, 60])
  expect(reported()).toEqual([
    'stream-held checkpoint.missing',
    ...still.map(() => 'stream-still-held checkpoint.missing'),
  ])
})

test('reports another cause once, checks for it from then on, and keeps the pauses', async () => {
  const { untilPassed, checkedAt, checkedFor, reported } = holding([
    ...(['publish.topic-missing', 'checkpoint.missing', 'publish.topic-missing', 'passes'] as const),
  ])
  await untilPassed('checkpoint.missing')
  expect(checkedAt).toEqual([1, 3, 7, 15])
  expect(checkedFor).toEqual([
    'checkpoint.missing',
    'publish.topic-missing',
    'checkpoint.missing',
    'publish.topic-missing',
  ])
  expect(reported()).toEqual([
    'stream-held checkpoint.missing',
    'stream-held publish.topic-missing',
    'stream-still-held checkpoint.missing',
    'stream-still-held publish.topic-missing',
  ])
})

test('keeps the cause when a check fails transiently or because of another replica', async () => {
  const { untilPassed, checkedFor, events } = holding(['publish.unreachable', 'checkpoint.conflict', 'publish.fenced'])
  await untilPassed('source.mapping')
  expect(new Set(checkedFor)).toEqual(new Set(['source.mapping']))
  expect(events.at(1)).toMatchObject({
    kind: 'stream-still-held',
    code: 'source.mapping',
    error: { code: 'publish.unreachable' },
  })
})

test('checks a rejected account every minute while it is the cause', async () => {
  const refused = error('source.unauthorized', minute)
  const { untilPassed, checkedAt } = holding([refused, refused, refused, 'source.forbidden', 'source.forbidden'])
  await untilPassed(refused)
  expect(checkedAt).toEqual([1, 2, 3, 4, 5, 7])
})

test('limits a requested pause to between the first and the longest pause', async () => {
  const { untilPassed, checkedAt } = holding([error('source.forbidden', 5), error('source.forbidden', 3_600_000)])
  await untilPassed(error('source.forbidden', 3 * minute))
  expect(checkedAt).toEqual([3, 4, 19])
})

test('waits longer when the stream is held again without progress, and starts over after progress', async () => {
  const { tries, untilPassed, checkedAt, clock } = holding([])
  await untilPassed('source.stuck')
  await untilPassed('source.stuck')
  await untilPassed('source.stuck')
  expect(checkedAt).toEqual([1, 3, 7])
  tries.failed(error('source.stuck'), true)
  await untilPassed('source.stuck')
  expect(clock.now()).toBe(8 * minute)
})

test.each(['passes', 'hangs'] as const)(
  'returns immediately on a stop, before and during a check (%s)',
  async (check) => {
    const { hold, clock, stop, reported, checkedAt } = holding([check])
    const reason = new DOMException('stop', 'AbortError')
    const waiting = hold(error('bug'))
    await settled()
    if (check === 'hangs') clock.fireNext()
    await settled()
    stop.abort(reason)
    await waiting
    expect(checkedAt).toHaveLength(check === 'hangs' ? 1 : 0)
    expect(reported()).toEqual(['stream-held bug'])
  },
)

test('checks at once when an operator requests it, and answers the request when the check has ended', async () => {
  const { hold, control, checkedAt } = holding(['checkpoint.missing', 'passes'])
  const held = hold(error('checkpoint.missing'))
  await settled()
  expect(checkedAt).toEqual([])
  control.request('a')
  await settled()
  expect([checkedAt, control.answered]).toEqual([[0], ['a']])
  control.request('b')
  await held
  expect([checkedAt, control.answered]).toEqual([
    [0, 0],
    ['a', 'b'],
  ])
})

test('does not answer a request when it is stopped during the check', async () => {
  const { hold, stop, control } = holding(['hangs'])
  const held = hold(error('checkpoint.missing'))
  await settled()
  control.request('a')
  await settled()
  stop.abort()
  await held
  expect(control.answered).toEqual([])
})

test('a request is answered at once while the stream is not held, and checks nothing', async () => {
  const { control, stop, checkedAt } = holding([])
  const answering = control.requests.run(stop.signal)
  control.request('a')
  await settled()
  expect([control.answered, checkedAt]).toEqual([['a'], []])
  using _held = control.requests.hold()
  control.request('b')
  await settled()
  expect(control.answered).toEqual(['a'])
  stop.abort()
  await answering
})
