import { describe, expect, test } from 'vitest'
import { runStream } from '../../../connector/pipeline/run-stream.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import { fakePolaris } from '../../support/fake-client-source.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings, settled, stage } from './open-parts.ts'

/** Two minutes before the clocks go back in Paris, from 03:00 to 02:00. */
const start = Date.parse('2026-10-25T00:58:00Z')
const MINUTE = 60_000

const HOUR = 60 * MINUTE

interface Night {
  readonly tail: 'overlap' | 'checkpoint'
  readonly modificationTime: 'shown' | 'hidden'
  /** Every 13 minutes the stream goes to another replica, whose clock is so far ahead (ms), in turn. */
  readonly clocks?: readonly number[]
}

/** Runs a stream over the repeated hour while a client changes every seven minutes; says which changes reached the topic. */
async function overTheRepeatedHour({ tail, modificationTime, clocks = [0] }: Night) {
  const clock: VirtualClock = virtualClock(start)
  const polaris = fakePolaris({ now: clock.now, timeZone: 'Europe/Paris', modificationTime })
  const on = stage({ source: polaris.source('replica-1'), clock })
  const open = (replicas: number) => {
    const aheadMs = clocks[replicas % clocks.length] ?? 0
    const ours = { ...clock, now: () => clock.now() + aheadMs }
    const { pipeline } = on.streamParts
    const serverClock = createServerClock(ours, () => {})
    const settings = { ...pollSettings, intervalMs: MINUTE, tail }
    const modifiedAt = modificationTime === 'shown' ? 'DateModification' : null
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
  let close = open(0)
  let [changes, replicas] = [0, 1]
  const isTimeFor = (count: number, everyMs: number) => clock.now() >= start + count * everyMs
  while (clock.now() < start + 190 * MINUTE) {
    await settled()
    if (isTimeFor(changes, 7 * MINUTE) && clock.now() < start + 180 * MINUTE) {
      polaris.change(`client-${changes}`)
      changes += 1
    }
    if (clocks.length > 1 && isTimeFor(replicas, 13 * MINUTE)) {
      await close()
      close = open(replicas)
      replicas += 1
    }
    clock.fireNext()
  }
  await settled()
  await close()
  const published = on.kafka.committed.map(({ key }) => key)
  return { published, changed: polaris.changes.map(({ clientId }) => clientId) }
}

const nights = [
  { tail: 'overlap', modificationTime: 'shown' },
  { tail: 'overlap', modificationTime: 'hidden' },
  { tail: 'checkpoint', modificationTime: 'shown' },
  { tail: 'checkpoint', modificationTime: 'hidden' },
] as const

describe('Invariants 1, 2: the autumn clock change loses and doubles nothing', () => {
  test.each(nights)('tail: $tail, modification time $modificationTime', async (night) => {
    const { published, changed } = await overTheRepeatedHour(night)
    expect(published.toSorted()).toEqual(changed.toSorted())
  })

  test.each(nights)(
    'also through take-overs by replicas whose clocks are wrong: $tail, $modificationTime',
    async (night) => {
      const { published, changed } = await overTheRepeatedHour({ ...night, clocks: [0, -HOUR, HOUR, -7 * MINUTE] })
      expect(published.toSorted()).toEqual(changed.toSorted())
    },
  )
})
