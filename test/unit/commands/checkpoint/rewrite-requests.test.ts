import { describe, expect, test } from 'vitest'
import { serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { beginning as firstState } from '../../../../connector/checkpoint/stream-state.ts'
import { mustBeReadable } from '../../../../connector/commands/checkpoint/checkpoint-set.ts'
import {
  plannedText,
  type Standing,
  skippedBy,
  standingOf,
  standingText,
  standingWithout,
  stepAfter,
} from '../../../../connector/commands/checkpoint/planned-rewrite.ts'
import type { ScanStates } from '../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'
import type { RewriteRequest } from '../../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import { documentWith, identity, state } from '../../checkpoint/documents.ts'

const time = (text: string) => text as SourceTime
const beginAt = time('2026-01-01T00:00:00')
const until = time('2026-06-15T12:00:00')
const now = time('2026-06-15T12:00:05')

describe('checkpoint set', () => {
  test('accepts a time from the beginning of the stream to where live scans have read', () => {
    for (const from of [beginAt, time('2026-03-01T00:00:00'), until])
      expect(() => mustBeReadable(from, { beginAt, until, now })).not.toThrow()
    expect(() => mustBeReadable(until, { beginAt: undefined, until: undefined, now })).not.toThrow()
  })

  test('names POLARIS_LAST_CHANGED and checkpoint reset when the time is before the beginning', () => {
    const from = time('2025-12-31T23:59:59')
    expect(() => mustBeReadable(from, { beginAt, until, now })).toThrow(/POLARIS_LAST_CHANGED.*checkpoint reset/)
  })

  test('names --skip when the time is later than where live scans have read', () => {
    expect(() => mustBeReadable(time('2026-06-15T12:00:01'), { beginAt, until, now })).toThrow(/--skip/)
  })
})

describe('a time in the future', () => {
  test.each([until, undefined])('is rejected, with --skip too', (readTo) => {
    const from = time('2026-06-15T12:00:06')
    expect(() => mustBeReadable(from, { beginAt, until: readTo, now })).toThrow(/is in the future.*12:00:05/)
  })
})

describe('checkpoint set --skip', () => {
  const from = time('2026-06-15T14:00:00')
  const startedAt = Date.parse('2026-06-15T10:00:00Z')
  const of = (scans: Partial<ScanStates>, recheck: SourceTime | null = null) => {
    const again = recheck === null ? null : { from: recheck, after: 0, dueAt: 0 }
    const state = { ...firstState, scans: { ...firstState.scans, ...scans }, recheck: again }
    return { kind: 'usable', state } satisfies Standing
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
    ['everything before 2026-06-15T14:00:00', { kind: 'none', record: { kind: 'none' } }],
  ] satisfies [string, Standing][])('says that it skips %s', (skipped, standing) => {
    expect(skippedBy(from, standing, 'Europe/Paris')).toBe(skipped)
    const planned = plannedText(
      { to: { kind: 'skip', from }, republish: false, timeZone: 'Europe/Paris', beginAt },
      standing,
    )
    expect(planned).toBe(`continue at ${from} server time and skip ${skipped}`)
  })
})

describe('before a rewrite', () => {
  const { destination } = identity
  const live = { startedAt: Date.parse('2026-06-15T10:00:00Z'), scan: null }
  const read = documentWith({ committed: { state: { ...state, scans: { ...state.scans, live } } } })
  const timeZone = 'Europe/Paris'
  const without: Standing = { kind: 'none', record: { kind: 'none' } }
  const planOf = (text: string | undefined, to: RewriteRequest['to'], republish = false) =>
    plannedText({ to, republish, timeZone, beginAt }, text === undefined ? without : standingOf(text, identity))
  const again = { kind: 'read-again', from: time('2026-03-01T00:00:00') } as const
  const beginning = 'its beginning (2026-01-01T00:00:00 server time)'

  test('the command says where the stream stands', () => {
    expect(standingText(without, timeZone)).toBe('no checkpoint')
    const unasked = standingWithout({ kind: 'unknown', code: 'publish.unreachable' })
    expect(standingText(unasked, timeZone)).toMatch(/^no checkpoint; .* is unknown \(publish\.unreachable\)$/)
    expect(standingText(standingOf('{', identity), timeZone)).toMatch(/^unknown, /)
    const other = { ...identity, destination: { ...destination, topic: 'other' } }
    const text = serializeDocument(read)
    expect(standingText(standingOf(text, other), timeZone)).toMatch(/^unknown, the document belongs to topic /)
    expect(standingText(standingOf(text, identity), timeZone)).toMatch(/^2 events, .*live until 2026-06-15T12:00:00/)
  })

  test('the command says what will be read again, and whether unchanged clients are published', () => {
    const text = serializeDocument(read)
    expect(planOf(text, again)).toBe(
      `read the clients modified from 2026-03-01T00:00:00 to ${until} server time again, and publish those that differ from their last event`,
    )
    expect(planOf(text, { kind: 'reset' }, true)).toBe(
      `read the clients modified from ${beginning} to ${until} server time again, and publish all of them again`,
    )
    expect(planOf(undefined, again)).toBe(`read from ${beginning} and publish all clients`)
    expect(planOf('{', again)).toMatch(/^read everything again from its beginning .* and publish all clients again/)
  })

  test('the command names checkpoint rebuild-index as the next step when the checkpoint is lost', () => {
    const why = 'the checkpoint document is missing, but Kafka has a commit record'
    const missing = standingWithout({ kind: 'found', code: 'checkpoint.missing', why })
    expect(standingText(missing, timeZone)).toBe(`unknown, ${why}`)
    for (const lost of [missing, standingOf('{', identity)]) {
      expect(stepAfter({ republish: false }, lost)).toContain('`checkpoint rebuild-index`')
      expect(stepAfter({ republish: true }, lost)).toBeUndefined()
    }
    const text = serializeDocument(read)
    const other = standingOf(text, { ...identity, destination: { ...destination, topic: 'other' } })
    for (const standing of [without, other, standingOf(text, identity)])
      expect(stepAfter({ republish: false }, standing)).toBeUndefined()
  })
})
