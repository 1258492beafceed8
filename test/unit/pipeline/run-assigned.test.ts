import { describe, expect, it } from 'vitest'
import type { AssignedEvent } from '../../../connector/pipeline/assigned-event.ts'
import { contestDefaults } from '../../../connector/pipeline/keep-stream.ts'
import { runAssigned } from '../../../connector/pipeline/run-assigned.ts'
import type { StreamEnd } from '../../../connector/pipeline/run-stream.ts'
import { type Placement, singlePlacement } from '../../../connector/placement/placement.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'

/** A placement whose word is the test's. */
function toldPlacement() {
  let tell: (streams: ReadonlySet<string>) => void = () => undefined
  const confirmed = new Set<string>()
  const group = { isSilent: false }
  const left = Promise.withResolvers<void>()
  let hasLeft = false
  const placement: Placement = {
    run: (onChange, stop) => {
      tell = onChange
      stop.addEventListener('abort', () => {
        hasLeft = true
        left.resolve()
      })
      return left.promise
    },
    isAssigned: () => !group.isSilent,
    isConfirmed: (stream) => confirmed.has(stream),
  }
  const assign = async (...streams: string[]) => {
    tell(new Set(streams))
    await settle()
  }
  return {
    placement,
    assign,
    confirmed,
    group,
    hasLeft: () => hasLeft,
    breakDown: (error: Error) => left.reject(error),
  }
}

/** Lets everything run that needs no time. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Run {
  readonly stream: string
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
  readonly end: (end: StreamEnd | StreamEnd['kind']) => Promise<void>
}

function scene(placement: Placement) {
  const clock: VirtualClock = virtualClock(0)
  const runs: Run[] = []
  const events: AssignedEvent[] = []
  const running: string[] = []
  const stopping = new AbortController()
  const start = (stream: string, stop: AbortSignal, giveUp: AbortSignal): Promise<StreamEnd> => {
    expect(running).not.toContain(stream)
    running.push(stream)
    const { promise, resolve } = Promise.withResolvers<StreamEnd>()
    const end = async (how: StreamEnd | StreamEnd['kind']) => {
      running.splice(running.indexOf(stream), 1)
      resolve(typeof how === 'string' ? ({ kind: how, error: new Error(how) } as StreamEnd) : how)
      await settle()
    }
    runs.push({ stream, stop, giveUp, end })
    return promise
  }
  const parts = { placement, start, finishWithinMs: 10_000, contest: contestDefaults, clock }
  const done = runAssigned({ ...parts, observe: (event) => events.push(event) }, stopping.signal)
  const last = (stream: string): Run => {
    const run = runs.findLast((found) => found.stream === stream)
    if (run === undefined) throw new Error(`${stream} never ran`)
    return run
  }
  /** Moves time forward, firing what becomes due. */
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
  return { clock, events, running, runsOf, last, pass, done, stop }
}

describe('runAssigned', () => {
  it('starts what is assigned and leaves what stays where it is alone', async () => {
    const told = toldPlacement()
    const { running, last, runsOf } = scene(told.placement)
    await told.assign('a', 'b')
    await told.assign('b', 'c')
    expect(runsOf('b')).toBe(1)
    expect(last('b').stop.aborted).toBe(false)
    expect(running).toEqual(['a', 'b', 'c'])
  })

  it('asks what is assigned elsewhere to stop at once, and to give up within the deadline', async () => {
    const told = toldPlacement()
    const { last, pass, events } = scene(told.placement)
    await told.assign('a', 'b')
    await told.assign('b')
    const { stop, giveUp, end } = last('a')
    expect(stop.aborted).toBe(true)
    await pass(9_999)
    expect(giveUp.aborted).toBe(false)
    await pass(1)
    expect(giveUp.aborted).toBe(true)
    expect(last('b').giveUp.aborted).toBe(false)
    await end('stopped')
    expect(events.at(-1)).toEqual({ kind: 'stream-let-go', stream: 'a', tookMs: 10_000 })
  })

  it('starts a stream that comes back only when its former run has ended', async () => {
    const told = toldPlacement()
    const { last, runsOf, running } = scene(told.placement)
    await told.assign('a')
    await told.assign()
    await told.assign('a')
    expect(runsOf('a')).toBe(1)
    await last('a').end('stopped')
    expect(runsOf('a')).toBe(2)
    expect(running).toEqual(['a'])
    expect(last('a').stop.aborted).toBe(false)
  })

  it('notices that a stream was assigned elsewhere and back in one go', async () => {
    const told = toldPlacement()
    const { last, runsOf } = scene(told.placement)
    await told.assign('a')
    void told.assign()
    await told.assign('a')
    expect(last('a').stop.aborted).toBe(true)
    await last('a').end('stopped')
    expect(runsOf('a')).toBe(2)
  })

  it.each(['failed', 'drained'] as const)(
    'leaves a stream that has %s alone until it is assigned after an assignment without it',
    async (how) => {
      const told = toldPlacement()
      const { last, runsOf, pass } = scene(told.placement)
      await told.assign('a')
      await last('a').end(how)
      await told.assign('a')
      told.confirmed.add('a')
      await pass(3_600_000)
      expect(runsOf('a')).toBe(1)
      await told.assign()
      await told.assign('a')
      expect(runsOf('a')).toBe(2)
    },
  )

  it('takes a start that rejects for a failure', async () => {
    const stopping = new AbortController()
    const parts = {
      placement: singlePlacement(['a']),
      finishWithinMs: 1,
      contest: contestDefaults,
      clock: virtualClock(0),
    }
    const start = () => Promise.reject(new Error('defect'))
    const ends = await runAssigned({ ...parts, start, observe: () => undefined }, stopping.signal)
    expect(ends.get('a')).toMatchObject({ kind: 'failed', error: { message: 'defect' } })
  })

  it('tells what an assignment moves, and that a replica without streams is a standby', async () => {
    const told = toldPlacement()
    const { events, last } = scene(told.placement)
    await told.assign()
    await told.assign('a', 'b')
    await told.assign('a', 'b')
    await told.assign('b')
    await last('a').end('stopped')
    expect(events.slice(0, 3)).toEqual([
      { kind: 'assignment-changed', streams: 0, gained: [], lost: [] },
      { kind: 'assignment-changed', streams: 2, gained: ['a', 'b'], lost: [] },
      { kind: 'assignment-changed', streams: 1, gained: [], lost: ['a'] },
    ])
    expect(events).toHaveLength(4)
  })
})

describe('a stream that was lost', () => {
  it('runs again when it is assigned anew, and not before', async () => {
    const told = toldPlacement()
    const { last, runsOf, pass } = scene(told.placement)
    await told.assign('a')
    await last('a').end('lost')
    await pass(3_600_000)
    expect(runsOf('a')).toBe(1)
    await told.assign('a')
    expect(runsOf('a')).toBe(2)
  })

  it('runs again at once when the assignment is newer than its run: the fence was of before', async () => {
    const told = toldPlacement()
    const { last, runsOf } = scene(told.placement)
    await told.assign('a')
    await told.assign('a')
    await last('a').end('lost')
    expect(runsOf('a')).toBe(2)
  })

  it('runs again after a pause when the group confirms that it is still assigned here, or nobody would run it', async () => {
    const told = toldPlacement()
    const { last, runsOf, pass } = scene(told.placement)
    await told.assign('a')
    await last('a').end('lost')
    told.confirmed.add('a')
    await pass(contestDefaults.firstPauseMs / 2)
    expect(runsOf('a')).toBe(1)
    await pass(contestDefaults.firstPauseMs / 2)
    expect(runsOf('a')).toBe(2)
  })

  it('that two owners take from each other is counted, backed off ever longer, and told', async () => {
    const told = toldPlacement()
    const { last, pass, events, clock, runsOf } = scene(told.placement)
    told.confirmed.add('a')
    await told.assign('a')
    const pauses: number[] = []
    for (let fences = 1; fences <= 8; fences += 1) {
      await last('a').end('lost')
      const lostAt = clock.now()
      while (runsOf('a') === fences) await pass(100)
      pauses.push(clock.now() - lostAt)
    }
    expect(pauses).toEqual([3_800, 7_500, 15_000, 30_000, 60_000, 90_000, 90_000, 90_000])
    const contested = events.filter(({ kind }) => kind === 'stream-contested')
    expect(contested).toHaveLength(7)
    expect(contested[0]).toEqual({ kind: 'stream-contested', stream: 'a', fences: 2, pauseMs: 7_500 })
  })

  it('is given back at once by a newer assignment, in the middle of a quarrel too', async () => {
    const told = toldPlacement()
    const { last, pass, events, runsOf } = scene(told.placement)
    told.confirmed.add('a')
    await told.assign('a')
    await last('a').end('lost')
    await pass(contestDefaults.firstPauseMs)
    await told.assign('a')
    await last('a').end('lost')
    expect(runsOf('a')).toBe(3)
    await last('a').end('lost')
    await pass(1_000)
    expect(runsOf('a')).toBe(3)
    await told.assign('a')
    expect(runsOf('a')).toBe(4)
    expect(events.filter(({ kind }) => kind === 'stream-contested')).toMatchObject([{ fences: 2 }])
  })

  it('is not contested when it ran calmly in between', async () => {
    const told = toldPlacement()
    const { last, pass, events } = scene(told.placement)
    await told.assign('a')
    for (const _ of [1, 2, 3]) {
      await pass(contestDefaults.calmAfterMs + 1)
      await last('a').end('lost')
      await told.assign('a')
    }
    expect(events.filter(({ kind }) => kind === 'stream-contested')).toEqual([])
  })

  it('is not contested when it was assigned elsewhere in between', async () => {
    const told = toldPlacement()
    const { last, events, runsOf } = scene(told.placement)
    for (const _ of [1, 2, 3]) {
      await told.assign('a')
      await last('a').end('lost')
      await told.assign()
    }
    expect(runsOf('a')).toBe(3)
    expect(events.filter(({ kind }) => kind === 'stream-contested')).toEqual([])
  })

  it('is not contested when the group was silent: it comes back with the next assignment, however often that happens', async () => {
    const told = toldPlacement()
    const { last, events, runsOf } = scene(told.placement)
    await told.assign('a')
    for (const runs of [1, 2, 3]) {
      told.group.isSilent = true
      await last('a').end('lost')
      expect(runsOf('a')).toBe(runs)
      told.group.isSilent = false
      await told.assign('a')
      expect(runsOf('a')).toBe(runs + 1)
    }
    expect(events.filter(({ kind }) => kind === 'stream-contested')).toEqual([])
  })

  it('is not waited for when the process stops', async () => {
    const told = toldPlacement()
    const { last, done, stop } = scene(told.placement)
    await told.assign('a')
    await last('a').end('lost')
    await stop()
    expect((await done).get('a')?.kind).toBe('lost')
  })
})

describe('stopping', () => {
  it('Invariant 6: leaves the group only when every stream has finished its page', async () => {
    const told = toldPlacement()
    const { last, stop, done } = scene(told.placement)
    await told.assign('a', 'b')
    await stop()
    expect([last('a').stop.aborted, last('b').stop.aborted]).toEqual([true, true])
    await last('a').end('stopped')
    expect(told.hasLeft()).toBe(false)
    await last('b').end('stopped')
    expect(told.hasLeft()).toBe(true)
    expect([...(await done).values()]).toMatchObject([{ kind: 'stopped' }, { kind: 'stopped' }])
  })

  it('leaves the group when a stream does not finish in time, so that others can take it', async () => {
    const told = toldPlacement()
    const { last, stop, pass, done } = scene(told.placement)
    await told.assign('a')
    await stop()
    await pass(10_000)
    expect(told.hasLeft()).toBe(true)
    await last('a').end('stopped')
    expect((await done).size).toBe(1)
  })

  it('starts nothing any more', async () => {
    const told = toldPlacement()
    const { last, stop, runsOf, done } = scene(told.placement)
    await told.assign('a')
    await stop()
    await told.assign('a', 'b')
    await last('a').end('stopped')
    expect([runsOf('a'), runsOf('b')]).toEqual([1, 0])
    await done
  })

  it('stops every stream and rejects when the placement breaks down for good', async () => {
    const told = toldPlacement()
    const { last, done } = scene(told.placement)
    await told.assign('a')
    const failure = expect(done).rejects.toThrow('defect')
    told.breakDown(new Error('defect'))
    await settle()
    expect(last('a').stop.aborted).toBe(true)
    await last('a').end('stopped')
    await failure
  })
})

describe('with a single replica', () => {
  it('runs all streams and ends when they have ended: what another process takes is not taken back', async () => {
    const { last, running, done, pass } = scene(singlePlacement(['a', 'b']))
    await settle()
    expect(running).toEqual(['a', 'b'])
    await last('a').end('lost')
    await pass(3_600_000)
    await last('b').end('failed')
    expect([...(await done)].map(([stream, { kind }]) => [stream, kind])).toEqual([
      ['a', 'lost'],
      ['b', 'failed'],
    ])
  })
})
