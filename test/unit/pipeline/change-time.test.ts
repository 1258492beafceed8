import { expect, test } from 'vitest'
import { ourChangeTime, serverChangeTime } from '../../../connector/pipeline/group/group-clients.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { MINUTE, noon } from '../scan/scans.ts'
import { liveScan } from './readings.ts'

const wallClock = '2026-06-15T11:00:00' as SourceTime
const modified = (instant: number, hasTimeOfDay = true) => ({ instant, wallClock, hasTimeOfDay })
const readAt = { ours: noon + 5 * MINUTE, server: noon }

test('tells when the changes of a live scan were made, by our clock, if their time of day is known', () => {
  const live = { scan: liveScan(), readAt }
  expect(ourChangeTime(modified(noon - 3000), live)).toBe(noon + 5 * MINUTE - 3000)
  expect(ourChangeTime(modified(noon - 3000, false), live)).toBeUndefined()
  expect(ourChangeTime(undefined, live)).toBeUndefined()
  expect(ourChangeTime(modified(noon - 3000), { ...live, scan: liveScan({ lane: 'look-back' }) })).toBeUndefined()
})

test('knows when a change was made, by the clock of the server; without a time of day it counts as just made', () => {
  expect(serverChangeTime(modified(noon - 3000), readAt)).toBe(noon - 3000)
  for (const other of [modified(noon + 1), modified(noon - 3000, false), undefined])
    expect(serverChangeTime(other, readAt)).toBe(noon)
})
