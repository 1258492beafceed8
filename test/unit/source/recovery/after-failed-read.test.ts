import { describe, expect, test } from 'vitest'
import { ConnectorError, type ErrorDetails } from '../../../../connector/runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../../../connector/runtime/error-catalogue.ts'
import {
  afterFailedRead,
  type FailureSeries,
  isLimited,
  type ReadMode,
} from '../../../../connector/source/recovery/after-failed-read.ts'

const first: FailureSeries = {
  outages: 'wait',
  isBreakerOpen: false,
  tooMuch: 0,
  limited: 1,
  retries: 4,
  suspectsLasted: false,
}
const proven: ReadMode = { patience: 'retry' }
const unproven: ReadMode = { patience: 'unproven' }
const once: ReadMode = { patience: 'once' }
const refused: ErrorDetails = { token: 'refused' }
const inDoubt: ErrorDetails = { token: 'in-doubt' }
const large: ErrorDetails = { size: 'too-large' }
const slow: ErrorDetails = { size: 'in-doubt' }
const error = (code: ErrorCode, details?: ErrorDetails) => new ConnectorError(code, 'x', details)

/** Code; what follows before the stream has read a page; after; in a scan that may pause. */
test.each([
  ['source.unreachable', 'retry', 'retry', 'pause'],
  ['source.timeout', 'retry', 'retry', 'pause'],
  ['source.throttled', 'retry', 'retry', 'pause'],
  ['source.server-error', 'retry', 'retry', 'pause'],
  ['source.answer-truncated', 'retry', 'retry', 'pause'],
  ['source.answer-malformed', 'retry', 'retry', 'pause'],
  ['source.answer-not-a-page', 'hold', 'retry', 'pause'],
  ['source.error-document', 'hold', 'retry', 'pause'],
  ['source.login-page', 'hold', 'retry', 'pause'],
  ['source.forbidden', 'hold', 'retry', 'pause'],
  ['source.authentication-unsupported', 'hold', 'hold', 'pause'],
  ['source.function-missing', 'hold', 'retry', 'pause'],
  ['source.request-refused', 'hold', 'retry', 'pause'],
  ['source.redirected', 'hold', 'retry', 'pause'],
  ['source.unauthorized', 'hold', 'hold', 'pause'],
  ['source.tls', 'retry', 'retry', 'pause'],
  ['source.proxy-unreachable', 'retry', 'retry', 'pause'],
  ['source.proxy-refused', 'hold', 'hold', 'pause'],
  ['source.certificate', 'hold', 'hold', 'pause'],
  ['source.answer-too-large', 'hold', 'hold', 'pause'],
  ['source.mapping', 'hold', 'hold', 'pause'],
  ['source.stuck', 'hold', 'hold', 'pause'],
  ['source.checkpoint-refused', 'hold', 'hold', 'pause'],
] as const)('after the first %s: %s before a page was read, %s after, %s in a background scan', (code, ...next) => {
  expect([unproven, proven, once].map((mode) => afterFailedRead(error(code), mode, first))).toEqual(next)
})

test.each([
  [
    'a limited number of retries, if the responses violate the protocol',
    'source.answer-malformed',
    {},
    { limited: 5 },
    proven,
    'hold',
  ],
  [
    'a limited number of retries, in an inspection',
    'source.unreachable',
    {},
    { outages: 'give-up', limited: 5 },
    proven,
    'hold',
  ],
  ['suspect responses that lasted', 'source.forbidden', {}, { suspectsLasted: true }, proven, 'hold'],
  [
    'a suspect response in an inspection',
    'source.forbidden',
    {},
    { outages: 'give-up', suspectsLasted: true },
    proven,
    'retry',
  ],
  ['a 5xx that may be due to the token', 'source.server-error', inDoubt, {}, proven, 'retry'],
  [
    'a persistent 5xx that may be due to the token',
    'source.server-error',
    inDoubt,
    { limited: 5 },
    proven,
    'without-token',
  ],
  ['a suspect response that may be due to the token', 'source.error-document', inDoubt, {}, proven, 'without-token'],
  ['the same before a page was read', 'source.error-document', inDoubt, {}, unproven, 'without-token'],
  ['the same in a background scan', 'source.error-document', inDoubt, {}, once, 'without-token'],
  [
    'the same, if the token could not be replaced',
    'source.error-document',
    inDoubt,
    {},
    { ...once, keepsToken: true },
    'pause',
  ],
  [
    'a refused token that could not be replaced',
    'source.request-refused',
    refused,
    {},
    { ...once, keepsToken: true },
    'without-token',
  ],
  ['a page that took too long', 'source.timeout', slow, { tooMuch: 1 }, proven, 'retry'],
  ['two pages that took too long', 'source.timeout', slow, { tooMuch: 2 }, proven, 'small-page'],
  [
    'the same, if another request may end the scan',
    'source.timeout',
    slow,
    { tooMuch: 2 },
    { ...proven, asksNothingElse: true },
    'smaller-page',
  ],
  [
    'the first page of a background scan that took too long',
    'source.timeout',
    slow,
    {},
    { ...once, pausesFirst: true },
    'pause',
  ],
  ['the next one', 'source.timeout', slow, {}, once, 'small-page'],
  ['a page that was too large', 'source.answer-too-large', large, {}, { ...once, pausesFirst: true }, 'smaller-page'],
  [
    'an outage while the breaker is open, in a background scan',
    'source.unreachable',
    {},
    { isBreakerOpen: true },
    once,
    'retry',
  ],
  ['a slow response while the breaker is open', 'source.timeout', slow, { isBreakerOpen: true }, once, 'small-page'],
  [
    'an outage while the breaker is open, in an audit',
    'source.unreachable',
    {},
    { isBreakerOpen: true, outages: 'give-up' },
    once,
    'pause',
  ],
] as const)('after %s (%s)', (_, code, details, series, mode, next) => {
  expect(afterFailedRead(error(code, details), mode, { ...first, ...series })).toBe(next)
})

describe('an error of another part', () => {
  test.each([error('config.invalid'), error('bug'), new TypeError('x'), undefined])('holds the stream: %s', (other) => {
    expect([unproven, proven].map((mode) => afterFailedRead(other, mode, first))).toEqual(['hold', 'hold'])
  })
})

test('an error that is given up is never retried', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[])
    expect(afterFailedRead(error(code), proven, 'given-up')).toBe('hold')
})

test('the number of retries is limited for protocol errors, doubts about the token, and inspections', () => {
  expect(isLimited(error('source.tls'), 'wait')).toBe(true)
  expect(isLimited(error('source.server-error', inDoubt), 'wait')).toBe(true)
  expect(isLimited(error('source.unreachable'), 'give-up')).toBe(true)
  expect(isLimited(error('source.unreachable'), 'wait')).toBe(false)
})
