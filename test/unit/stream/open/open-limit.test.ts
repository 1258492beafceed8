import { expect, test } from 'vitest'
import type { AssignedEvent } from '../../../../connector/stream/assignment.ts'
import { openLimit, openPolicy } from '../../../../connector/stream/open/open-limit.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'
import { settled } from './open-parts.ts'

const { atOnce, expiresMs, probeMs, latestMs, reportMs } = openPolicy

/** Many streams that want to open. `lateBy`: how late each timer fires. */
function opening(streams: number) {
  const clock = virtualClock(0)
  const events: AssignedEvent[] = []
  const limit = openLimit({ clock, observe: (event) => events.push(event) })
  const permits: Disposable[] = []
  for (let stream = 0; stream < streams; stream += 1) void limit.acquire(never).then((permit) => permits.push(permit))
  const untilAt = async (ms: number, lateBy = 0) => {
    await settled()
    while ((clock.nextTimerAt() ?? Number.POSITIVE_INFINITY) <= ms) {
      clock.jump(lateBy)
      clock.fireNext()
      await settled()
    }
  }
  return { events, limit, permits, untilAt }
}

test('opens a limited number of streams at the same time', async () => {
  const { permits, untilAt } = opening(25)
  await untilAt(probeMs)
  expect(permits).toHaveLength(atOnce)
  permits[0]?.[Symbol.dispose]()
  await untilAt(2 * probeMs)
  expect(permits).toHaveLength(atOnce + 1)
})

test('opens the next streams when the openings of the first ones hang', async () => {
  const { permits, untilAt } = opening(25)
  await untilAt(expiresMs + 2 * probeMs)
  expect(permits).toHaveLength(2 * atOnce)
})

test('opens no stream while the event loop is late, so that heartbeats are sent, but waits no longer than some seconds', async () => {
  const { permits, untilAt } = opening(1)
  await untilAt(latestMs - 1_000, 900)
  expect(permits).toHaveLength(0)
  await untilAt(latestMs + 1_000, 900)
  expect(permits).toHaveLength(1)
})

test('opens a stream as soon as the event loop is on time again', async () => {
  const { permits, untilAt } = opening(1)
  await untilAt(3_000, 900)
  expect(permits).toHaveLength(0)
  await untilAt(4_000)
  expect(permits).toHaveLength(1)
})

test('reports every few seconds how many streams wait to be opened, and nothing when all are opened at once', async () => {
  const many = opening(100)
  await many.untilAt(2 * reportMs)
  expect(many.events).toEqual([{ kind: 'streams-opening', begun: 51, waiting: 49 }])
  const few = opening(atOnce)
  await few.untilAt(2 * reportMs)
  expect(few.events).toEqual([])
})

test('gives the permit of a cancelled opening to the next stream', async () => {
  const { limit, permits, untilAt } = opening(atOnce - 1)
  const stopping = new AbortController()
  const cancelled = limit.acquire(stopping.signal)
  const next = limit.acquire(never)
  await settled()
  stopping.abort(new Error('stopped'))
  await expect(cancelled).rejects.toThrow('stopped')
  await untilAt(3 * probeMs)
  using _ = await next
  expect(permits).toHaveLength(atOnce - 1)
})

test('counts no stream as begun that is assigned elsewhere before its turn', async () => {
  const { events, limit, untilAt } = opening(60)
  const leaving = new AbortController()
  for (let stream = 0; stream < 40; stream += 1) limit.acquire(leaving.signal).catch(() => {})
  leaving.abort()
  await untilAt(reportMs + 1_000)
  expect(events).toEqual([{ kind: 'streams-opening', begun: 51, waiting: 9 }])
})
