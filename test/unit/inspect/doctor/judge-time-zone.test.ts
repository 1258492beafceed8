import { describe, expect, test } from 'vitest'
import { judgeTimeZone, type LastDay } from '../../../../connector/inspect/doctor/judge-time-zone.ts'

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

  test.each([
    ['2026-06-15T12:00:10', 'now'],
    ['2026-06-15T11:59:10', '1 min ago'],
    ['2026-06-15T11:57:00', '3 min ago'],
  ])('says of a change at %s that it was made %s', (time, when) => {
    expect(judge([time]).detail).toBe(`Europe/Paris; newest modification read ${time} server time, ${when}`)
  })

  test('warns about a change in the future that is not off by whole hours', () => {
    expect(judge(['2026-06-15T12:30:00'])).toMatchObject({
      verdict: 'warning',
      detail: expect.stringContaining('30 min in the future'),
      hint: 'check POLARIS_TIME_ZONE',
    })
  })

  test('warns when the modification times cannot be parsed', () => {
    expect(judge(['yesterday'])).toMatchObject({ verdict: 'warning', hint: 'check POLARIS_MODIFIED_AT_FIELD' })
  })

  test('is skipped when the field is not mapped', () => {
    const day = { clients: [{ No: '1' }], isComplete: true, now }
    expect(judgeTimeZone(day, { clientId: 'No', modifiedAt: null }, timeZone).verdict).toBe('skipped')
  })
})
