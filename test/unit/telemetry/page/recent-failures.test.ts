import { expect, test } from 'vitest'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../../../connector/runtime/error-catalogue.ts'
import { recentFailures } from '../../../../connector/telemetry/page/recent-failures.ts'

function scene() {
  const time = { now: Date.parse('2026-11-27T14:00:00Z') }
  const failures = recentFailures({ now: () => time.now })
  const fail = (stream: string, code: ErrorCode, seen = 'read page') => {
    time.now += 1000
    failures.note({ code, error: seen }, stream)
  }
  return { failures, fail, report: () => failures.report() }
}

test('shows the last failure of each stream and code, newest first, with how often it happened', () => {
  const { fail, report } = scene()
  fail('paris', 'source.unreachable', 'first')
  fail('lyon', 'source.unreachable')
  fail('paris', 'source.unreachable', 'second')
  expect(report()).toEqual([
    {
      stream: 'paris',
      at: '2026-11-27T14:00:03.000Z',
      times: 2,
      code: 'source.unreachable',
      error: 'second',
      hint: errorCatalogue['source.unreachable'].runHint,
    },
    expect.objectContaining({ stream: 'lyon', times: 1 }),
  ])
})

test('keeps the error of a failure that is repeated without it', () => {
  const { failures, fail, report } = scene()
  fail('paris', 'source.answer-malformed', 'the server returned an HTML page')
  failures.note({ code: 'source.answer-malformed' }, 'paris')
  expect(report()).toMatchObject([{ times: 2, error: 'the server returned an HTML page' }])
})

test('shows a failure of the replica without a stream, and nothing of other events', () => {
  const { failures, report } = scene()
  const error = new ConnectorError('publish.failed', 'join group shops')
  failures.note({ code: error.code, error: error.message })
  failures.note(undefined, 'paris')
  expect(report()).toMatchObject([{ code: 'publish.failed', error: 'join group shops' }])
  expect(report()[0]).not.toHaveProperty('stream')
})

test('keeps the newest 20', () => {
  const { fail, report } = scene()
  for (let index = 0; index < 30; index++) fail(`shop-${index}`, 'source.unreachable')
  expect(report().map(({ stream }) => stream)).toEqual(Array.from({ length: 20 }, (_, index) => `shop-${29 - index}`))
})
