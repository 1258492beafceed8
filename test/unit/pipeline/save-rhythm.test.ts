import { expect, test } from 'vitest'
import { beginning } from '../../../connector/checkpoint/stream-state.ts'
import { saveRhythm } from '../../../connector/pipeline/save-rhythm.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const { resume } = beginning({
  lastChanged: '2026-06-15T12:00:00' as SourceTime,
  checkPoint: null,
  limit: 1,
  output: 'xml',
})

test('polls that bring nothing are saved once a period, counted from the last write of any kind', () => {
  const clock = virtualClock(0)
  const rhythm = saveRhythm(clock, 60_000)
  expect(rhythm.isDue(resume)).toBe(false)
  clock.pass(59_999)
  expect(rhythm.isDue(resume)).toBe(false)
  clock.pass(1)
  expect(rhythm.isDue(resume)).toBe(true)
  rhythm.saved()
  expect(rhythm.isDue(resume)).toBe(false)
  clock.pass(60_000)
  expect(rhythm.isDue(resume)).toBe(true)
})

test('while the document stands in the middle of a drain, its token may expire: it is due at once', () => {
  expect(saveRhythm(virtualClock(0), 60_000).isDue({ ...resume, drain: 'open' })).toBe(true)
})
