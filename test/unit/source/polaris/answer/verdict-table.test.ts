import { describe, expect, it } from 'vitest'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../../../../connector/runtime/error-catalogue.ts'
import { statusError } from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import {
  isTokenInDoubt,
  mayRefuseCheckPoint,
  reactionTo,
  verdictTable,
} from '../../../../../connector/source/polaris/answer/verdict-table.ts'

const error = (code: ErrorCode, retryAfterMs?: number) => new ConnectorError(code, 'x', { retryAfterMs })

/** Code; what follows before the stream has read a page, and after; whether the checkPoint was refused if the call without it succeeds. */
const rows = [
  ['source.unreachable', 'retry', 'retry', 'not-concerned'],
  ['source.timeout', 'retry', 'retry', 'not-concerned'],
  ['source.throttled', 'retry', 'retry', 'not-concerned'],
  ['source.server-error', 'retry', 'retry', 'in-doubt'],
  ['source.answer-truncated', 'retry', 'retry', 'not-concerned'],
  ['source.answer-malformed', 'recheck', 'recheck', 'not-concerned'],
  ['source.answer-not-a-page', 'hold', 'suspect', 'in-doubt'],
  ['source.error-document', 'hold', 'suspect', 'in-doubt'],
  ['source.login-page', 'hold', 'suspect', 'in-doubt'],
  ['source.forbidden', 'hold', 'suspect', 'in-doubt'],
  ['source.authentication-unsupported', 'hold', 'hold', 'not-concerned'],
  ['source.function-missing', 'hold', 'suspect', 'in-doubt'],
  ['source.request-refused', 'hold', 'suspect', 'refused'],
  ['source.redirected', 'hold', 'suspect', 'in-doubt'],
  ['source.unauthorized', 'hold', 'hold', 'not-concerned'],
  ['source.tls', 'recheck', 'recheck', 'not-concerned'],
  ['source.proxy-unreachable', 'retry', 'retry', 'not-concerned'],
  ['source.proxy-refused', 'hold', 'hold', 'not-concerned'],
  ['source.certificate', 'hold', 'hold', 'not-concerned'],
  ['source.answer-too-large', 'hold', 'hold', 'not-concerned'],
  ['source.mapping', 'hold', 'hold', 'not-concerned'],
  ['source.stuck', 'hold', 'hold', 'not-concerned'],
  ['source.checkpoint-refused', 'hold', 'hold', 'not-concerned'],
] as const

describe('the verdict table', () => {
  it.each(rows)('%s: %s before a page was read, %s after; its checkPoint: %s', (...row) => {
    const [code, unproven, proven, token] = row
    expect(reactionTo(error(code), 'unproven')).toBe(unproven)
    expect(reactionTo(error(code), 'proven')).toBe(proven)
    expect(mayRefuseCheckPoint(error(code))).toBe(token !== 'not-concerned')
    expect(isTokenInDoubt(error(code))).toBe(token === 'in-doubt')
  })

  it('has a row for each error code of the source, and each row has a test', () => {
    const codes = Object.keys(errorCatalogue).filter((code) => code.startsWith('source.'))
    expect(Object.keys(verdictTable).sort()).toEqual(codes.sort())
    expect(rows.map(([code]) => code as string).sort()).toEqual(codes)
  })

  it.each(rows)(
    'agrees with the error catalogue on %s: a stream is held with what is not retried',
    (code, _, proven) => {
      expect(errorCatalogue[code].then).toBe(proven)
    },
  )

  it('holds the stream with any other error', () => {
    for (const other of [error('config.invalid'), error('bug'), new TypeError('x'), undefined])
      expect([reactionTo(other, 'unproven'), reactionTo(other, 'proven')]).toEqual(['hold', 'hold'])
  })
})

describe('mayRefuseCheckPoint', () => {
  it('is false when the response has Retry-After', () => {
    const answer = { url: new URL('https://polaris.example.com/'), status: 503, contentType: 'text/html', bytes: 12 }
    expect(mayRefuseCheckPoint(statusError({ ...answer, retryAfter: '120' }, { auth: 'none' }, 0))).toBe(false)
    expect(mayRefuseCheckPoint(statusError(answer, { auth: 'none' }, 0))).toBe(true)
  })

  it('is false for bugs and aborts', () => {
    const others = [new TypeError('x'), new DOMException('x', 'AbortError'), undefined]
    expect(others.map(mayRefuseCheckPoint)).toEqual([false, false, false])
  })
})
