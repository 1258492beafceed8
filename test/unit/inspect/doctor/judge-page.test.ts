import { describe, expect, test } from 'vitest'
import { judgeRetention } from '../../../../connector/inspect/doctor/check-kafka.ts'
import { resultOfError } from '../../../../connector/inspect/doctor/doctor-parts.ts'
import {
  judgeDeadLetters,
  judgeFields,
  judgeInterleaving,
  judgeLayout,
  judgeTimeZone,
  type LastDay,
} from '../../../../connector/inspect/doctor/judge-page.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { never } from '../../../support/signals.ts'

test.each([
  [1440, 'ok'],
  [1439, 'failed'],
  [undefined, 'warning'],
] as const)('an offsets retention of %s minutes is %s', (minutes, verdict) => {
  expect(judgeRetention({ offsetsRetentionMs: minutes && minutes * 60_000 }).verdict).toBe(verdict)
})

test('names all fields, in one order whichever client comes first, and warns without a modification time', () => {
  const clients = [
    { No: '1', Nom: 'x' },
    { No: '2', Modif: 'y' },
  ]
  for (const inSomeOrder of [clients, clients.toReversed()])
    expect(judgeFields(inSomeOrder, { clientId: 'No', modifiedAt: 'Modif' })).toEqual({
      verdict: 'ok',
      detail: 'id No, modification time Modif; all fields: Modif, No, Nom',
    })
  expect(judgeFields(clients, { clientId: 'No', modifiedAt: null })).toMatchObject({
    verdict: 'warning',
    hint: expect.stringContaining('POLARIS_MODIFIED_AT_FIELD'),
  })
  const personal = judgeFields([{ No: '1', 'zoe@exemple.example': 'x' }], { clientId: 'No', modifiedAt: 'Modif' })
  expect(personal.detail).toBe('id No, modification time Modif; all fields: (not shown), No')
  expect(judgeFields([], undefined).verdict).toBe('skipped')
})

test('tells where flag, token and list are, and what is disregarded, without names that may be personal', () => {
  const page = { clients: [], hasMoreResults: false, checkPoint: null, serverTime: 0, tookMs: 1, bytes: 1 }
  const disregarded = [
    { path: ['shop'], why: 'an object without a list of objects' },
    { path: ['zoe@exemple.example'], why: 'a list without objects' },
  ]
  const layout = { flag: ['p', 'hasMoreResults'], token: undefined, clients: ['d', 'clients'], disregarded }
  expect(judgeLayout({ ...page, layout })).toEqual({
    verdict: 'ok',
    detail:
      'hasMoreResults: p.hasMoreResults, checkPoint: absent, clients: d.clients; disregarded: shop (an object without a list of objects), (not shown) (a list without objects)',
  })
  expect(judgeLayout(page).verdict).toBe('skipped')
})

test('counts clients that cannot become events, and fails where run would be held', () => {
  const few = Array.from({ length: 20 }, (_, at) => (at < 9 ? ('client-too-large' as const) : undefined))
  expect(judgeDeadLetters(few)).toMatchObject({
    verdict: 'warning',
    detail: 'clients that cannot become events: client-too-large: 9 of 20',
  })
  expect(judgeDeadLetters([...few, 'client-id-missing'])).toMatchObject({
    verdict: 'failed',
    code: 'event.too-many-dead-letters',
    detail: expect.stringMatching(/client-too-large: 9, client-id-missing: 1 of 21$/),
  })
  expect(judgeDeadLetters([undefined]).verdict).toBe('ok')
})

const clients = (...ids: string[]) => ids.map((No) => ({ No }))

test.each([
  ['the same clients', clients('1', '2'), clients('2', '1'), 'ok'],
  ['one changed client of two', clients('1', '2'), clients('1', '3'), 'ok'],
  ['other clients', clients('1', '2'), clients('3', '4'), 'failed'],
] as const)('the second page with %s after another scan', (_, before, again, verdict) => {
  const found = judgeInterleaving(before, again, 'beside')
  expect(found.verdict).toBe(verdict)
  if (verdict === 'failed') expect(found.hint).toContain('poll.backfill: before')
  expect(judgeInterleaving(before, again, 'before').verdict).toBe('ok')
})

test('a failed check has code and message of an error, but only the name of a defect', () => {
  const limit = { finish: never, timeoutCode: 'source.unreachable' } as const
  expect(resultOfError(new ConnectorError('source.stuck', 'read'), limit)).toMatchObject({
    code: 'source.stuck',
    detail: 'read',
  })
  expect(resultOfError(new TypeError('secret'), limit)).toMatchObject({ code: 'bug', detail: 'unexpected TypeError' })
  expect(resultOfError('x', { ...limit, finish: AbortSignal.abort() })).toMatchObject({ code: 'source.unreachable' })
})

const timeZone = 'Europe/Paris'
/** 12:00 in Paris. */
const now = Date.parse('2026-06-15T10:00:00Z')
const mapping = { clientId: 'No', modifiedAt: 'DateModification' }

/** The verdict about clients with these modification times. */
function judge(times: readonly string[], more: Partial<LastDay> = {}) {
  const clients = times.map((time, at) => ({ No: String(at), DateModification: time }))
  return judgeTimeZone({ clients, isComplete: true, now, ...more }, mapping, timeZone)
}

describe('the check of the time zone', () => {
  test('names UTC when frequent changes end two hours ago in Paris', () => {
    expect(judge(['2026-06-15T09:20:00', '2026-06-15T09:58:00'])).toEqual({
      verdict: 'warning',
      detail:
        'Europe/Paris; newest modification read 2026-06-15T09:58:00 server time, 122 min ago: the modification times look like UTC',
      hint: 'if clients are being modified now, set POLARIS_TIME_ZONE to the zone of the server: its time is UTC now',
    })
  })

  test('names the offset when frequent changes are in the future by whole hours', () => {
    expect(judge(['2026-06-15T13:59:00', '2026-06-15T14:02:00'])).toMatchObject({
      verdict: 'warning',
      detail: expect.stringContaining('look like UTC+4'),
      hint: expect.stringContaining('its time is UTC+4 now'),
    })
  })

  test.each([
    ['the newest change is recent', ['2026-06-15T10:00:00', '2026-06-15T11:57:00'], {}],
    ['the newest change is not whole hours ago', ['2026-06-15T09:20:00', '2026-06-15T09:30:00'], {}],
    ['changes are rare', ['2026-06-15T07:00:00', '2026-06-15T10:00:00'], {}],
    ['the newest pages were not read', ['2026-06-15T09:50:00', '2026-06-15T10:00:00'], { isComplete: false }],
    ['nothing was modified in the last day', [], {}],
    ['the times hold only a date', ['2026-06-15', '2026-06-15T00:00:00'], {}],
  ])('is ok when %s', (_, times, more) => {
    expect(judge(times, more).verdict).toBe('ok')
  })

  test('warns about a change in the future that is not off by whole hours', () => {
    expect(judge(['2026-06-15T12:30:00'])).toMatchObject({
      verdict: 'warning',
      detail: expect.stringContaining('30 min in the future'),
      hint: 'check POLARIS_TIME_ZONE',
    })
  })

  test('is skipped when the field is not mapped', () => {
    const day = { clients: [{ No: '1' }], isComplete: true, now }
    expect(judgeTimeZone(day, { clientId: 'No', modifiedAt: null }, timeZone).verdict).toBe('skipped')
  })
})
