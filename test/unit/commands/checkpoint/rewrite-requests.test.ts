import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { beginning } from '../../../../connector/checkpoint/stream-state.ts'
import { mustBeReadable } from '../../../../connector/commands/checkpoint/checkpoint-set.ts'
import { skippedBy } from '../../../../connector/commands/checkpoint/rewrite-stream.ts'
import type { ScanStates } from '../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'

const time = (text: string) => text as SourceTime
const beginAt = time('2026-01-01T00:00:00')
const until = time('2026-06-15T12:00:00')

describe('checkpoint set', () => {
  test('accepts a time from the beginning of the stream to where live scans have read', () => {
    for (const from of [beginAt, time('2026-03-01T00:00:00'), until])
      expect(() => mustBeReadable(from, { beginAt, until })).not.toThrow()
    expect(() => mustBeReadable(until, { beginAt: undefined, until: undefined })).not.toThrow()
  })

  test('names POLARIS_LAST_CHANGED and checkpoint reset when the time is before the beginning', () => {
    const from = time('2025-12-31T23:59:59')
    expect(() => mustBeReadable(from, { beginAt, until })).toThrow(/POLARIS_LAST_CHANGED.*checkpoint reset/)
  })

  test('names --skip when the time is later than where live scans have read', () => {
    expect(() => mustBeReadable(time('2026-06-15T12:00:01'), { beginAt, until })).toThrow(/--skip/)
  })
})

describe('checkpoint set --skip', () => {
  const from = time('2026-06-15T14:00:00')
  const startedAt = Date.parse('2026-06-15T10:00:00Z')
  const of = (scans: Partial<ScanStates>, recheck: SourceTime | null = null) => {
    const again = recheck === null ? null : { from: recheck, markedAt: 0 }
    const state = { ...beginning, scans: { ...beginning.scans, ...scans }, recheck: again }
    return { committed: { state } } as CheckpointDocument
  }
  const live = { startedAt, scan: null }

  test.each([
    ['nothing', of({ backfill: 'done' })],
    ['nothing', of({ backfill: 'done', live: { startedAt: startedAt + 7_200_000, scan: null } })],
    ['the rest of the backfill', of({})],
    ['changes from 2026-06-15T12:00:00 to 2026-06-15T14:00:00', of({ backfill: 'done', live })],
    [
      'the rest of the backfill and what was to be read again from 2026-06-01T00:00:00 and changes from 2026-06-15T12:00:00 to 2026-06-15T14:00:00',
      of({ live }, time('2026-06-01T00:00:00')),
    ],
    ['everything before 2026-06-15T14:00:00', undefined],
  ])('says that it skips %s', (skipped, document) => {
    expect(skippedBy(from, document, 'Europe/Paris')).toBe(skipped)
  })
})
