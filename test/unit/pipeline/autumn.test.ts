import { describe, expect, test } from 'vitest'
import { runStream } from '../../../connector/pipeline/run-stream.ts'
import { fakePolaris } from '../../support/fake-client-source.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings, settled, stage } from './open-parts.ts'

/** Two minutes before the clocks go back in Paris, from 03:00 to 02:00. */
const start = Date.parse('2026-10-25T00:58:00Z')
const MINUTE = 60_000

/** Runs a stream over the repeated hour while a client changes every seven minutes; says which changes reached the topic. */
async function overTheRepeatedHour(tail: 'overlap' | 'checkpoint', modificationTime: 'shown' | 'hidden') {
  const clock: VirtualClock = virtualClock(start)
  const polaris = fakePolaris({ now: clock.now, timeZone: 'Europe/Paris', modificationTime })
  const on = stage({ source: polaris.source('replica-1'), clock })
  const { streamParts } = on
  const { pipeline } = streamParts
  const settings = { ...pollSettings, intervalMs: MINUTE, tail }
  const modifiedAt = modificationTime === 'shown' ? 'DateModification' : null
  const parts = {
    ...streamParts,
    pipeline: {
      ...pipeline,
      reader: { ...pipeline.reader, settings },
      group: { ...pipeline.group, fields: { clientId: 'No', modifiedAt } },
    },
  }
  polaris.change('early')
  const stopping = new AbortController()
  const end = runStream(parts, stopping.signal)
  let changes = 0
  while (clock.now() < start + 190 * MINUTE) {
    await settled()
    if (clock.now() >= start + changes * 7 * MINUTE && clock.now() < start + 180 * MINUTE) {
      polaris.change(`client-${changes}`)
      changes += 1
    }
    clock.fireNext()
  }
  await settled()
  stopping.abort(new DOMException('stop', 'AbortError'))
  await end
  const published = on.kafka.committed.map(({ key }) => key)
  return { published, changed: polaris.changes.map(({ clientId }) => clientId) }
}

describe('Invariants 1, 2: the autumn clock change loses and doubles nothing', () => {
  test.each([
    ['overlap', 'shown'],
    ['overlap', 'hidden'],
    ['checkpoint', 'shown'],
    ['checkpoint', 'hidden'],
  ] as const)('tail: %s, modification time %s', async (tail, modificationTime) => {
    const { published, changed } = await overTheRepeatedHour(tail, modificationTime)
    expect(published.toSorted()).toEqual(changed.toSorted())
  })
})
