import { describe, expect, test } from 'vitest'
import { type ControlDocument, noRequests } from '../../../connector/control/control-document.ts'
import { requested } from '../../../connector/control/requests.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { createAssignment } from '../../../connector/stream/assignment.ts'
import type { AttemptEnd } from '../../../connector/stream/attempt.ts'
import { desiredState } from '../../../connector/stream/desired-state.ts'
import { runStream } from '../../../connector/stream/run-stream.ts'
import { requestedChecks } from '../../support/fakes/requested-checks.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { unattended } from '../../support/run-alone.ts'
import { entered } from '../../support/stream-states.ts'
import { settled } from './open/open-parts.ts'

const stream = 'paris'
const down = new ConnectorError('storage.unavailable', 'scripted')
const fenced = new ConnectorError('publish.fenced', 'scripted')

interface Options {
  readonly settle?: () => Promise<void>
  readonly isKnown?: boolean
  /** It ends instead of waiting. */
  readonly isEnding?: boolean
}

/** Control requests made by the test, and a stream that runs until it is stopped or the test ends it. */
function setUp({ settle = async () => {}, isKnown = true, isEnding = false }: Options = {}) {
  const clock = virtualClock(0)
  const { changed, until } = createChanges()
  const events: PipelineEvent[] = []
  const carriedOut: string[] = []
  const runs: { stop: AbortSignal; giveUp: AbortSignal; end: (end: AttemptEnd) => void }[] = []
  let document: ControlDocument | undefined = isKnown ? noRequests : undefined
  let failure: unknown
  let ids = 0
  const control = {
    ...{ until, current: () => document, failure: () => failure },
    carriedOut: ({ id }: { id: string }) => void carriedOut.push(id),
  }
  const attempt = (leave: AbortSignal, giveUp: AbortSignal) =>
    new Promise<AttemptEnd>((resolve) => {
      runs.push({ stop: leave, giveUp, end: resolve })
    })
  const stop = new AbortController()
  const assignment = createAssignment()
  assignment.update(new Set([stream]))
  const observe = (e: PipelineEvent) => events.push(e)
  const ended = runStream(
    {
      ...unattended(stop.signal),
      desired: desiredState({ stream, assignment, control, observe }, stop.signal),
      compose: (giveUp) => ({
        attempt: (_, leave) => attempt(leave, giveUp),
        check: async () => {},
        close: async () => {},
      }),
      settle,
      holding: isEnding ? undefined : { requests: requestedChecks(clock).requests, firstPauseMs: 0, maxPauseMs: 0 },
      reopening: { firstPauseMs: 0, maxPauseMs: 0, maxRetryAfterMs: 0 },
      finishWithinMs: 50_000,
      clock,
      observe,
    },
    stop.signal,
  )
  const change = async (next: () => void) => {
    next()
    changed()
    await settled()
  }
  const request = (kind: 'pause' | 'resume') =>
    change(() => {
      const requester = { id: String(++ids), by: 'operator-1', at: 1 }
      const wanted = kind === 'pause' ? { kind, stream, reason: 'maintenance' } : { kind, stream }
      document = requested(document ?? noRequests, wanted, requester)
    })
  return {
    ...{ clock, events, carriedOut, runs, stop, ended, request },
    /** The states that the stream entered, and the kinds of the other events. */
    kinds: () => events.map((event) => (event.kind === 'stream-state' ? event.state : event.kind)),
    fail: () =>
      change(() => {
        failure = down
      }),
    know: () =>
      change(() => {
        document = noRequests
      }),
  }
}

describe('runStream', () => {
  test('runs a stream that is not paused until it is stopped', async () => {
    const { runs, stop, ended, kinds } = setUp()
    await settled()
    expect(runs).toHaveLength(1)
    stop.abort('stopping')
    expect(runs[0]?.stop.reason).toBe('stopping')
    runs[0]?.end({ kind: 'left' })
    expect(await ended).toEqual({ kind: 'stopped' })
    expect(kinds()).toEqual(['opening', 'stopping', 'ended'])
  })

  test('a pause stops the run, which may finish its page, and is carried out when the run has ended', async () => {
    const { runs, request, carriedOut, events, clock } = setUp()
    await settled()
    await request('pause')
    expect(runs[0]?.stop.aborted).toBe(true)
    expect([carriedOut, runs[0]?.giveUp.aborted]).toEqual([[], false])
    clock.fireNext() // the time limit of a stop
    await settled()
    expect(clock.now()).toBe(50_000)
    expect(runs[0]?.giveUp.aborted).toBe(true)
    runs[0]?.end({ kind: 'left' })
    await settled()
    expect(carriedOut).toEqual(['1'])
    expect(events.slice(-2)).toEqual([
      entered('paused', 'stopping', 50_000),
      { kind: 'stream-paused', reason: 'maintenance', requestedAt: 1, requestedBy: 'operator-1' },
    ])
    expect(runs).toHaveLength(1)
  })

  test('a resumed stream runs again, and the replica reports that it has resumed it', async () => {
    const { runs, request, carriedOut, kinds } = setUp()
    await settled()
    await request('pause')
    runs[0]?.end({ kind: 'left' })
    await settled()
    await request('resume')
    expect(runs).toHaveLength(2)
    expect(runs[1]?.stop.aborted).toBe(false)
    expect(carriedOut).toEqual(['1', '2'])
    expect(kinds()).toEqual(['opening', 'stopping', 'paused', 'stream-paused', 'opening'])
  })

  test('a paused stream that is assigned to this replica does not start', async () => {
    const { runs, request, know, kinds, carriedOut, stop, ended } = setUp({ isKnown: false })
    await settled()
    await request('pause')
    expect([runs, carriedOut]).toEqual([[], ['1']])
    expect(kinds()).toEqual(['opening', 'control-awaited', 'stopping', 'paused', 'stream-paused'])
    stop.abort()
    expect(await ended).toEqual({ kind: 'stopped' })
    await know()
    expect(runs).toEqual([])
  })

  test('starts nothing before the requests are known, and says why', async () => {
    const { runs, fail, know, events } = setUp({ isKnown: false })
    await settled()
    await fail()
    expect(runs).toEqual([])
    expect(events).toEqual([
      entered('opening'),
      { kind: 'control-awaited', failure: undefined },
      { kind: 'control-awaited', failure: down },
    ])
    await know()
    expect(runs).toHaveLength(1)
  })

  test('a stream that another replica takes ends, also while it is being paused', async () => {
    const { runs, request, ended, kinds } = setUp()
    await settled()
    await request('pause')
    runs[0]?.end({ kind: 'failed', error: fenced, madeProgress: false })
    expect(await ended).toEqual({ kind: 'lost', error: fenced })
    expect(kinds()).toEqual(['opening', 'stopping', 'stream-lost', 'lost', 'ended'])
  })

  test('a pending state that cannot be recorded is tried again every minute, until the pause ends', async () => {
    let attempts = 0
    const { runs, request, kinds, clock } = setUp({
      settle: async () => Promise.reject(++attempts < 3 ? down : undefined),
    })
    await settled()
    await request('pause')
    runs[0]?.end({ kind: 'left' })
    await settled()
    clock.fireNext()
    await settled()
    expect([clock.now(), attempts]).toEqual([60_000, 2])
    await request('resume')
    expect(runs).toHaveLength(2)
    expect(kinds().slice(2)).toEqual(['paused', 'stream-paused', 'pause-unsettled', 'pause-unsettled', 'opening'])
  })

  test('is settled again every minute, as a write of the last owner may arrive late', async () => {
    let settlings = 0
    const { runs, request, clock } = setUp({
      settle: async () => {
        settlings += 1
      },
    })
    await settled()
    await request('pause')
    runs[0]?.end({ kind: 'left' })
    await settled()
    expect(settlings).toBe(1)
    clock.fireNext()
    await settled()
    expect([clock.now(), settlings]).toEqual([60_000, 2])
    await request('resume')
    expect(runs).toHaveLength(2)
  })

  test.each([
    ['once it is settled', async () => {}, []],
    ['even if it cannot be settled', () => Promise.reject(down), ['pause-unsettled']],
  ])('a paused stream that is not to wait ends, %s', async (_, settle, reported) => {
    const { runs, request, ended, kinds } = setUp({ settle, isEnding: true })
    await settled()
    await request('pause')
    runs[0]?.end({ kind: 'left' })
    expect(await ended).toEqual({ kind: 'paused' })
    expect(runs).toHaveLength(1)
    expect(kinds()).toEqual(['opening', 'stopping', 'paused', 'stream-paused', ...reported, 'ended'])
  })
})
