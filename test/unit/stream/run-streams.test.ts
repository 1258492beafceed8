import { describe, expect, it } from 'vitest'
import type { PipelineEvent, StreamState } from '../../../connector/pipeline/pipeline-event.ts'
import { type Placement, singlePlacement } from '../../../connector/placement/placement.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { AssignedEvent } from '../../../connector/stream/assignment.ts'
import { runStreams } from '../../../connector/stream/run-streams.ts'
import type { TryEnd } from '../../../connector/stream/stream-session.ts'
import { assignedStream } from '../../support/assigned-stream.ts'
import { type VirtualClock, virtualClock } from '../../support/fakes/virtual-clock.ts'

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
    await settle()
  }
  return {
    placement,
    assign,
    hasLeft: () => hasLeft,
    fail: (error: Error) => left.reject(error),
  }
}

/** Runs everything that does not wait for a timer. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Run {
  readonly stream: string
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
  readonly end: (how: 'stopped' | 'lost' | 'failed') => Promise<void>
}

const failure = (code: ErrorCode): TryEnd => ({
  kind: 'failed',
  error: new ConnectorError(code, 'scripted'),
  madeProgress: false,
})
const ends = { stopped: { kind: 'left' } as const, lost: failure('publish.fenced'), failed: failure('source.mapping') }

function setUp(placement: Placement) {
  const clock: VirtualClock = virtualClock(0)
  const runs: Run[] = []
  const events: AssignedEvent[] = []
  const running: string[] = []
  const stopping = new AbortController()
  const states: Record<string, StreamState[]> = {}
  const attempt = (stream: string, stop: AbortSignal, giveUp: AbortSignal): Promise<TryEnd> => {
    expect(running).not.toContain(stream)
    running.push(stream)
    const { promise, resolve } = Promise.withResolvers<TryEnd>()
    const end = async (how: keyof typeof ends) => {
      running.splice(running.indexOf(stream), 1)
      resolve(ends[how])
      await settle()
    }
    runs.push({ stream, stop, giveUp, end })
    return promise
  }
  const contested: PipelineEvent[] = []
  const observe = (stream: string) => (event: PipelineEvent) => {
    if (event.kind === 'stream-contested') contested.push(event)
    if (event.kind === 'stream-state') states[stream] = [...(states[stream] ?? []), event.state]
  }
  const observeReplica = (event: AssignedEvent) => events.push(event)
  const run = assignedStream({ clock, attempt, observe })
  const parts = { placement, run, finishWithinMs: 10_000, clock, observe: observeReplica }
  const done = runStreams(parts, stopping.signal)
  const last = (stream: string): Run => {
    const run = runs.findLast((found) => found.stream === stream)
    if (run === undefined) throw new Error(`${stream} never ran`)
    return run
  }
  /** Advances the clock and fires due timers. */
  const pass = async (ms: number) => {
    const until = clock.now() + ms
    for (let at = clock.nextTimerAt(); at !== undefined && at <= until; at = clock.nextTimerAt()) {
      clock.fireNext()
      await settle()
    }
    clock.pass(until - clock.now())
  }
  const runsOf = (stream: string) => runs.filter((found) => found.stream === stream).length
  const stop = async () => {
    stopping.abort()
    await settle()
  }
  return { clock, events, contested, states, running, runsOf, last, pass, done, stop }
}

describe('runStreams', () => {
  it('starts newly assigned streams, and does not affect streams that stay assigned', async () => {
    const fake = fakePlacement()
    const { running, last, runsOf } = setUp(fake.placement)
    await fake.assign('a', 'b')
    await fake.assign('b', 'c')
    expect(runsOf('b')).toBe(1)
    expect(last('b').stop.aborted).toBe(false)
    expect(running).toEqual(['a', 'b', 'c'])
  })

  it('stops a stream that is assigned elsewhere, and aborts it at the deadline', async () => {
    const fake = fakePlacement()
    const { last, pass, states } = setUp(fake.placement)
    await fake.assign('a', 'b')
    await fake.assign('b')
    const { stop, giveUp, end } = last('a')
    expect(stop.aborted).toBe(true)
    await pass(9_999)
    expect(giveUp.aborted).toBe(false)
    await pass(1)
    expect(giveUp.aborted).toBe(true)
    expect(last('b').giveUp.aborted).toBe(false)
    await end('stopped')
    expect(states.a).toEqual(['opening', 'running', 'waiting'])
  })

  it('starts a stream that is assigned again only after its former run has ended', async () => {
    const fake = fakePlacement()
    const { last, runsOf, running } = setUp(fake.placement)
    await fake.assign('a')
    await fake.assign()
    await fake.assign('a')
    expect(runsOf('a')).toBe(1)
    await last('a').end('stopped')
    expect(runsOf('a')).toBe(2)
    expect(running).toEqual(['a'])
    expect(last('a').stop.aborted).toBe(false)
  })

  it('stops a stream that was unassigned and immediately assigned again', async () => {
    const fake = fakePlacement()
    const { last, runsOf } = setUp(fake.placement)
    await fake.assign('a')
    void fake.assign()
    await fake.assign('a')
    expect(last('a').stop.aborted).toBe(true)
    await last('a').end('stopped')
    expect(runsOf('a')).toBe(2)
  })

  it('reports the changes of each assignment, including an empty first one', async () => {
    const fake = fakePlacement()
    const { events, last } = setUp(fake.placement)
    await fake.assign()
    await fake.assign('a', 'b')
    await fake.assign('a', 'b')
    await fake.assign('b')
    await last('a').end('stopped')
    expect(events.slice(0, 3)).toEqual([
      { kind: 'assignment-changed', streams: 0, gained: [], lost: [] },
      { kind: 'assignment-changed', streams: 2, gained: ['a', 'b'], lost: [] },
      { kind: 'assignment-changed', streams: 1, gained: [], lost: ['a'] },
    ])
    expect(events).toHaveLength(3)
  })
})

describe('a stream that was fenced', () => {
  it('runs again after growing pauses, and reports that it is contested from the second time on', async () => {
    const fake = fakePlacement()
    const { last, pass, contested, clock, runsOf } = setUp(fake.placement)
    await fake.assign('a')
    const pauses: number[] = []
    for (let fences = 1; fences <= 7; fences += 1) {
      await last('a').end('lost')
      const lostAt = clock.now()
      while (runsOf('a') === fences) await pass(50)
      pauses.push(clock.now() - lostAt)
    }
    expect(pauses).toEqual([3_750, 7_500, 15_000, 30_000, 60_000, 90_000, 90_000])
    expect(contested).toHaveLength(6)
    expect(contested[0]).toEqual({ kind: 'stream-contested', fences: 2, pauseMs: 7_500 })
  })

  it('runs again immediately after a newer assignment, even during contention', async () => {
    const fake = fakePlacement()
    const { last, pass, contested, runsOf } = setUp(fake.placement)
    await fake.assign('a')
    await last('a').end('lost')
    await fake.assign('a')
    expect(runsOf('a')).toBe(2)
    await last('a').end('lost')
    await pass(1_000)
    expect(runsOf('a')).toBe(2)
    await fake.assign('a')
    expect(runsOf('a')).toBe(3)
    expect(contested).toMatchObject([{ fences: 2 }])
  })

  it('is not contested when it ran for more than five minutes in between', async () => {
    const fake = fakePlacement()
    const { last, pass, contested } = setUp(fake.placement)
    await fake.assign('a')
    for (const _ of [1, 2, 3]) {
      await pass(5 * 60_000 + 1)
      await last('a').end('lost')
      await fake.assign('a')
    }
    expect(contested).toEqual([])
  })

  it('is not contested when it was assigned elsewhere in between', async () => {
    const fake = fakePlacement()
    const { last, contested, runsOf } = setUp(fake.placement)
    for (const _ of [1, 2, 3]) {
      await fake.assign('a')
      await last('a').end('lost')
      await fake.assign()
    }
    expect(runsOf('a')).toBe(3)
    expect(contested).toEqual([])
  })

  it('does not delay a stop of the process', async () => {
    const fake = fakePlacement()
    const { last, done, stop } = setUp(fake.placement)
    await fake.assign('a')
    await last('a').end('lost')
    await stop()
    expect((await done).get('a')?.kind).toBe('stopped')
  })
})

describe('stopping', () => {
  it('Invariant 6: leaves the group only after every stream has finished its page', async () => {
    const fake = fakePlacement()
    const { last, stop, done } = setUp(fake.placement)
    await fake.assign('a', 'b')
    await stop()
    expect([last('a').stop.aborted, last('b').stop.aborted]).toEqual([true, true])
    await last('a').end('stopped')
    expect(fake.hasLeft()).toBe(false)
    await last('b').end('stopped')
    expect(fake.hasLeft()).toBe(true)
    expect([...(await done).values()]).toMatchObject([{ kind: 'stopped' }, { kind: 'stopped' }])
  })

  it('leaves the group when a stream does not finish in time, so that another replica can take it', async () => {
    const fake = fakePlacement()
    const { last, stop, pass, done } = setUp(fake.placement)
    await fake.assign('a')
    await stop()
    await pass(10_000)
    expect(fake.hasLeft()).toBe(true)
    await last('a').end('stopped')
    expect((await done).size).toBe(1)
  })

  it('starts no stream', async () => {
    const fake = fakePlacement()
    const { last, stop, runsOf, done } = setUp(fake.placement)
    await fake.assign('a')
    await stop()
    await fake.assign('a', 'b')
    await last('a').end('stopped')
    expect([runsOf('a'), runsOf('b')]).toEqual([1, 0])
    await done
  })

  it('stops every stream and rejects when placement fails permanently', async () => {
    const fake = fakePlacement()
    const { last, done } = setUp(fake.placement)
    await fake.assign('a')
    const failure = expect(done).rejects.toThrow('defect')
    fake.fail(new Error('defect'))
    await settle()
    expect(last('a').stop.aborted).toBe(true)
    await last('a').end('stopped')
    await failure
  })
})

describe('with a single replica', () => {
  it('runs all streams and ends when they have ended, without taking back a lost stream', async () => {
    const { last, running, done, pass } = setUp(singlePlacement(['a', 'b']))
    await settle()
    expect(running).toEqual(['a', 'b'])
    await last('a').end('lost')
    await pass(3_600_000)
    await last('b').end('failed')
    expect([...(await done)].map(([stream, { kind }]) => [stream, kind])).toEqual([
      ['a', 'lost'],
      ['b', 'held'],
    ])
  })
})
