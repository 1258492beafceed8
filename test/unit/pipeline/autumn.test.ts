import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runStream } from '../../../connector/pipeline/run-stream.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { fakePolaris, type SourceFault } from '../../support/fake-client-source.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings, settled, stage } from './open-parts.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Forty minutes before the clocks go back in Paris, from 03:00 to 02:00. */
const start = Date.parse('2026-10-25T00:20:00Z')
const end = start + 195 * MINUTE

interface Night {
  readonly tail: 'overlap' | 'checkpoint'
  readonly modificationTime: 'shown' | 'hidden'
  /** Every 13 minutes the stream goes to another replica, whose clock is so far ahead (ms), in turn. */
  readonly clocks?: readonly number[]
  /** Whether its answers have a `Date` header. */
  readonly tellsTime?: boolean
  /** Each of another client: how long after the start it becomes visible, and how long that is after the modification. */
  readonly changes?: readonly { readonly atMs: number; readonly lateMs: number }[]
  /** How the source takes its requests, in turn; in the last hour it is in a good mood. */
  readonly moods?: readonly Mood[]
}

interface Mood {
  readonly requestTakesMs: number
  readonly answerTakesMs: number
  /** The token, where there is one. */
  readonly refuses: boolean
}

const everySevenMinutes = Array.from({ length: 26 }, (_, count) => ({ atMs: count * 7 * MINUTE, lateMs: 0 }))
const good: Mood = { requestTakesMs: 0, answerTakesMs: 0, refuses: false }

/** Runs a stream over the repeated hour while clients change; says which changes reached the topic. */
async function overTheRepeatedHour({ changes = everySevenMinutes, ...night }: Night) {
  const { tail, clocks = [0] } = night
  const clock: VirtualClock = virtualClock(start)
  const { source, polaris } = moodySource(clock, night)
  const on = stage({ source, clock })
  const open = (aheadMs: number) => {
    const ours = { ...clock, now: () => clock.now() + aheadMs }
    const { pipeline } = on.streamParts
    const serverClock = createServerClock(ours, () => {})
    const settings = { ...pollSettings, intervalMs: MINUTE, tail }
    const modifiedAt = night.modificationTime === 'shown' ? 'DateModification' : null
    const group = { ...pipeline.group, fields: { clientId: 'No', modifiedAt } }
    const parts = {
      ...pipeline,
      clock: ours,
      reader: { ...pipeline.reader, settings, serverClock, clock: ours },
      group,
    }
    const stopping = new AbortController()
    const ended = runStream({ ...on.streamParts, pipeline: parts, clock: ours }, stopping.signal)
    return async () => {
      stopping.abort(new DOMException('stop', 'AbortError'))
      await ended
    }
  }
  polaris.change('early')
  for (const [index, { atMs, lateMs }] of changes.entries())
    clock.timer(atMs, () => polaris.change(`client-${index}`, undefined, lateMs))
  for (const [turn, aheadMs] of turnsOf(clocks).entries()) {
    const close = open(aheadMs)
    const until = clocks.length > 1 ? start + (turn + 1) * 13 * MINUTE : end
    while (clock.now() < until) {
      await settled()
      if (clock.nextTimerAt() === undefined) throw new Error(`the stream has stopped: ${on.kinds().at(-1)}`)
      clock.fireNext()
    }
    await settled()
    await close()
  }
  const published = on.kafka.committed.map(({ key }) => key)
  return { published: published.toSorted(), changed: polaris.changes.map(({ clientId }) => clientId).toSorted() }
}

/** Who runs the stream in each 13 minutes of the night. */
const turnsOf = (clocks: readonly number[]) =>
  clocks.length > 1 ? Array.from({ length: 15 }, (_, turn) => clocks[turn % clocks.length] ?? 0) : clocks

/** A source that is slow, and refuses a token now and then, though one in a drain at most. */
function moodySource(
  clock: VirtualClock,
  { modificationTime, tellsTime = true, moods = [good] }: Omit<Night, 'changes'>,
) {
  let [requests, hasRefused]: [number, boolean] = [0, false]
  const nextMood = () => (clock.now() < end - HOUR ? moods[requests++ % moods.length] : undefined) ?? good
  const polaris = fakePolaris({ now: clock.now, timeZone: 'Europe/Paris', modificationTime, fault: () => fate })
  let fate: SourceFault = 'none'
  const inner = polaris.source('replica-1')
  const source: ClientSource = {
    read: async (at, stop) => {
      const { requestTakesMs, answerTakesMs, refuses } = nextMood()
      if (requestTakesMs > 0) await clock.sleep(requestTakesMs, stop)
      fate = refuses && !hasRefused ? 'refuse' : 'none'
      hasRefused ||= fate === 'refuse' && at.checkPoint !== null
      const page = await inner.read(at, stop)
      hasRefused &&= page.hasMoreResults
      if (answerTakesMs > 0) await clock.sleep(answerTakesMs, stop)
      return { ...page, tookMs: answerTakesMs, ...(tellsTime ? {} : { serverTime: undefined }) }
    },
  }
  return { source, polaris }
}

const wrongClocks = [0, -HOUR, HOUR, -7 * MINUTE]
/** As wrong as they may be where the source does not tell the time. */
const slightlyWrongClocks = [0, -4 * MINUTE, 4 * MINUTE, -3 * MINUTE]

const nights = [
  { tail: 'overlap', modificationTime: 'shown' },
  { tail: 'overlap', modificationTime: 'hidden' },
  { tail: 'checkpoint', modificationTime: 'shown' },
  { tail: 'checkpoint', modificationTime: 'hidden' },
] as const

describe('Invariants 1, 2: the autumn clock change loses and doubles nothing', () => {
  test.each(nights)('tail: $tail, modification time $modificationTime', async (night) => {
    const { published, changed } = await overTheRepeatedHour(night)
    expect(published).toEqual(changed)
  })

  test.each(nights)(
    'also through take-overs by replicas whose clocks are wrong: $tail, $modificationTime',
    async (night) => {
      const { published, changed } = await overTheRepeatedHour({ ...night, clocks: wrongClocks })
      expect(published).toEqual(changed)
    },
  )

  test.each(nights)(
    'also by a source that is slow, commits late and refuses tokens: $tail, $modificationTime',
    async (night) => {
      // What becomes visible late, only the overlap brings; a second is lost to fractions.
      const lateMs = night.tail === 'overlap' ? fc.nat(pollSettings.overlapMs - 1_000) : fc.constant(0)
      const duration = fc.oneof(fc.constant(0), fc.nat(30_000), fc.nat(15 * MINUTE))
      const mood = fc.record({ requestTakesMs: duration, answerTakesMs: duration, refuses: fc.boolean() })
      const time = fc.constantFrom(
        { clocks: [0], tellsTime: true },
        { clocks: wrongClocks, tellsTime: true },
        { clocks: slightlyWrongClocks, tellsTime: false },
      )
      const slowNight = fc.record({
        changes: fc.array(fc.record({ atMs: fc.nat(90 * MINUTE), lateMs }), { minLength: 10, maxLength: 30 }),
        moods: fc.array(mood, { minLength: 1, maxLength: 20 }),
      })
      await fc.assert(
        fc.asyncProperty(time, slowNight, async (time, slow) => {
          const { published, changed } = await overTheRepeatedHour({ ...night, ...time, ...slow })
          expect(published).toEqual(changed)
        }),
        { numRuns: 200 },
      )
    },
    60_000,
  )
})
