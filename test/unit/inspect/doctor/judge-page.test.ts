import { expect, test } from 'vitest'
import { judgeRetention } from '../../../../connector/inspect/doctor/check-kafka.ts'
import { failure } from '../../../../connector/inspect/doctor/finding.ts'
import { judgeFields, judgeInterleaving } from '../../../../connector/inspect/doctor/judge-page.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { never } from '../../../support/signals.ts'

test.each([
  [1440, 'ok'],
  [1439, 'failed'],
  [undefined, 'warning'],
] as const)('an offsets retention of %s minutes is %s', (minutes, verdict) => {
  expect(judgeRetention({ offsetsRetentionMs: minutes && minutes * 60_000 }).verdict).toBe(verdict)
})

test('names all fields, and warns without a modification time', () => {
  const clients = [
    { No: '1', Nom: 'x' },
    { No: '2', Modif: 'y' },
  ]
  expect(judgeFields(clients, { clientId: 'No', modifiedAt: 'Modif' })).toEqual({
    verdict: 'ok',
    detail: 'id No, modification time Modif; all fields: No, Nom, Modif',
  })
  expect(judgeFields(clients, { clientId: 'No', modifiedAt: null })).toMatchObject({
    verdict: 'warning',
    hint: expect.stringContaining('POLARIS_MODIFIED_AT_FIELD'),
  })
  expect(judgeFields([], undefined).verdict).toBe('skipped')
})

const clients = (...ids: string[]) => ids.map((No) => ({ No }))

test.each([
  ['the same clients', clients('1', '2'), clients('2', '1'), 'ok'],
  ['one changed client of two', clients('1', '2'), clients('1', '3'), 'ok'],
  ['other clients', clients('1', '2'), clients('3', '4'), 'failed'],
  ['no clients', clients('1', '2'), [], 'failed'],
] as const)('the second page with %s after another scan', (_, before, again, verdict) => {
  const found = judgeInterleaving(before, again, 'beside')
  expect(found.verdict).toBe(verdict)
  if (verdict === 'failed') expect(found.hint).toContain('poll.backfill: before')
  expect(judgeInterleaving(before, again, 'before').verdict).toBe('ok')
})

test('a failed check has code and message of an error, but only the name of a defect', () => {
  const limit = { finish: never, timeoutCode: 'source.unreachable' } as const
  expect(failure(new ConnectorError('source.stuck', 'read'), limit)).toMatchObject({
    code: 'source.stuck',
    detail: 'read',
  })
  expect(failure(new TypeError('secret'), limit)).toMatchObject({ code: 'bug', detail: 'unexpected TypeError' })
  expect(failure('x', { ...limit, finish: AbortSignal.abort() })).toMatchObject({ code: 'source.unreachable' })
})
