import { describe, expect, test } from 'vitest'
import type { Observe, PipelineEvent, StreamState } from '../../../connector/pipeline/pipeline-event.ts'
import { type Placement, singlePlacement } from '../../../connector/placement/placement.ts'
import type { Clock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { StreamEnd } from '../../../connector/stream/next-step.ts'
import { runStream } from '../../../connector/stream/run-stream.ts'
import { type Assignment, type AssignmentEvent, runStreams } from '../../../connector/stream/run-streams.ts'
import { settled, type VirtualClock, virtualClock } from '../../support/fakes/virtual-clock.ts'
import { stage } from './open/open-parts.ts'

// Streams run without being opened, under a placement that the test controls.

interface AssignedParts {
  readonly clock: Clock
  /** Resolves to why a try fails; undefined: it stops at `leave`. */
  readonly attempt: (stream: string, leave: AbortSignal, giveUp: AbortSignal) => Promise<Error | undefined>
  readonly observe?: (stream: string) => Observe
}

/** Runs a stream for `runStreams` without opening it; no operator wants anything of it. */
function assignedStream({ clock, attempt, ...parts }: AssignedParts) {
  return ({ name: stream }: { readonly name: string }, assignment: Assignment, stop: AbortSignal): Promise<StreamEnd> =>
    runStream(
      {
        stream,
        assignment,
        compose: ({ giveUp }) => {
          const { streamParts } = stage()
          const acquire = async (leave: AbortSignal) => {
            throw (await attempt(stream, leave, giveUp)) ?? leave.reason
          }
          return { ...streamParts, openParts: { ...streamParts.openParts, openLimit: { acquire } } }
        },
        finishWithinMs: 10_000,
        whenHeld: 'ends',
        clock,
        observe: parts.observe?.(stream) ?? (() => {}),
      },
      stop,
    )
}

/** A placement controlled by the test. */
function fakePlacement() {
  let assignStreams: (streams: ReadonlySet<string>) => void = () => undefined
  const left = Promise.withResolvers<void>()
  let hasLeft = false
  const placement: Placement = {
    run: (onChange, stop) => {
      assignStreams = onChange
      stop.addEventListener('abort', () => {
        hasLeft = true
        left.resolve()
      })
      return left.promise
    },
  }
  const assign = async (...streams: string[]) => {
    assignStreams(new Set(streams))
    await settled()
  }
  return {
    placement,
    assign,
    hasLeft: () => hasLeft,
    fail: (error: Error) => left.reject(error),
  }
}

interface Run {
  readonly stream: string
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
  readonly end: (how: 'stopped' | 'lost' | 'failed') => Promise<void>
}

const failure = (code: ErrorCode) => new ConnectorError(code, 'scripted')
const ends = { stopped: undefined, lost: failure('publish.fenced'), failed: failure('source.mapping') }

function setUp(placement: Placement, configured = ['a', 'b', 'c']) {
  const clock: VirtualClock = virtualClock(0)
  const runs: Run[] = []
  const events: AssignmentEvent[] = []
  const running: string[] = []
  const stopping = new AbortController()
  const states: Record<string, StreamState[]> = {}
  const attempt = (stream: string, stop: AbortSignal, giveUp: AbortSignal) => {
    expect(running).not.toContain(stream)
    running.push(stream)
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    const end = async (how: keyof typeof ends) => {
      running.splice(running.indexOf(stream), 1)
      resolve(ends[how])
      await settled()
    }
    runs.push({ stream, stop, giveUp, end })
    return promise
  }
  const fences: number[] = []
  const observe = (stream: string) => (event: PipelineEvent) => {
    if (event.kind !== 'stream-state') return
    if (event.failure?.kind === 'fenced') fences.push(event.failure.times)
    states[stream] = [...(states[stream] ?? []), event.state]
  }
  const observeReplica = (event: AssignmentEvent) => events.push(event)
  const run = assignedStream({ clock, attempt, observe })
  const streams = configured.map((name) => ({ name }))
  const parts = { placement, streams, run, observe: observeReplica }
  const done = runStreams(parts, stopping.signal)
  const last = (stream: string): Run => {
    const run = runs.findLast((found) => found.stream === stream)
    if (run === undefined) throw new Error(`${stream} never ran`)
    return run
  }
  const runsOf = (stream: string) => runs.filter((found) => found.stream === stream).length
  const stop = async () => {
    stopping.abort()
    await settled()
  }
  return { clock, events, fences, states, running, runsOf, last, done, stop }
}

describe('runStreams', () => {
  test('stops a stream that is assigned elsewhere, and aborts it at the deadline', async () => {
    const fake = fakePlacement()
    const { last, clock, states } = setUp(fake.placement)
    await fake.assign('a', 'b')
    await fake.assign('b')
    const { stop, giveUp, end } = last('a')
    expect(stop.aborted).toBe(true)
    await clock.advance(9_999)
    expect(giveUp.aborted).toBe(false)
    await clock.advance(1)
    expect(giveUp.aborted).toBe(true)
    expect(last('b').giveUp.aborted).toBe(false)
    await end('stopped')
    expect(states.a).toEqual(['opening', 'waiting'])
  })

  test('reports the changes of each assignment, including an empty first one', async () => {
    const fake = fakePlacement()
    const { events, last } = setUp(fake.placement)
    await fake.assign()
    await fake.assign('a', 'b')
    await fake.assign('a', 'b')
    await fake.assign('b')
    await last('a').end('stopped')
    expect(events).toEqual([
      { kind: 'assignment-changed', streams: 0, gained: [], lost: [] },
      { kind: 'assignment-changed', streams: 2, gained: ['a', 'b'], lost: [] },
      { kind: 'assignment-changed', streams: 2, gained: [], lost: [] },
      { kind: 'assignment-changed', streams: 1, gained: [], lost: ['a'] },
    ])
  })
})

describe('a stream that was fenced', () => {
  test('runs again immediately after a newer assignment, even during contention', async () => {
    const fake = fakePlacement()
    const { last, clock, fences, runsOf } = setUp(fake.placement)
    await fake.assign('a')
    await last('a').end('lost')
    await fake.assign('a')
    expect(runsOf('a')).toBe(2)
    await last('a').end('lost')
    await clock.advance(1_000)
    expect(runsOf('a')).toBe(2)
    await fake.assign('a')
    expect(runsOf('a')).toBe(3)
    expect(fences).toEqual([1, 2])
  })
})

describe('stopping', () => {
  test('Invariant 6: leaves the group only after every stream has finished its page', async () => {
    const fake = fakePlacement()
    const { last, stop, done } = setUp(fake.placement)
    await fake.assign('a', 'b')
    await stop()
    expect([last('a').stop.aborted, last('b').stop.aborted]).toEqual([true, true])
    await last('a').end('stopped')
    expect(fake.hasLeft()).toBe(false)
    await last('b').end('stopped')
    expect(fake.hasLeft()).toBe(true)
    expect([...(await done).values()]).toMatchObject([{ kind: 'stopped' }, { kind: 'stopped' }, { kind: 'stopped' }])
  })

  test('stops every stream and rejects when placement fails permanently', async () => {
    const fake = fakePlacement()
    const { last, done } = setUp(fake.placement)
    await fake.assign('a')
    const failure = expect(done).rejects.toThrow('defect')
    fake.fail(new Error('defect'))
    await settled()
    expect(last('a').stop.aborted).toBe(true)
    await last('a').end('stopped')
    await failure
  })
})

describe('with a single replica', () => {
  test('runs all streams, again when they were fenced, and ends when they have ended', async () => {
    const { last, running, done, clock } = setUp(singlePlacement(['a', 'b']), ['a', 'b'])
    await settled()
    expect(running).toEqual(['a', 'b'])
    await last('a').end('lost')
    await clock.advance(5_000)
    expect(running).toEqual(['b', 'a'])
    await last('a').end('failed')
    await last('b').end('failed')
    expect([...(await done)].map(([stream, { kind }]) => [stream, kind])).toEqual([
      ['a', 'held'],
      ['b', 'held'],
    ])
  })
})
