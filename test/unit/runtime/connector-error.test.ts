import { describe, expect, test } from 'vitest'
import { assertNever } from '../../../connector/runtime/assert-never.ts'
import { ConnectorError, codeOf, isTransient } from '../../../connector/runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'

describe('an error', () => {
  test('says by its code what to do, and keeps its cause', () => {
    const cause = new Error('refused')
    const error = new ConnectorError('publish.unreachable', 'open publisher', { cause, retryAfterMs: 5 })
    expect(error).toMatchObject({ name: 'ConnectorError', code: 'publish.unreachable', cause, retryAfterMs: 5 })
    expect([codeOf(error), isTransient(error)]).toEqual(['publish.unreachable', true])
  })

  test('without a cause has none', () => {
    expect(Object.hasOwn(new ConnectorError('bug', 'x'), 'cause')).toBe(false)
  })

  test.each([new TypeError('x'), 'text', undefined, new DOMException('stop', 'AbortError')])(
    'of any other kind is a defect, and not transient: %s',
    (error) => {
      expect([codeOf(error), isTransient(error)]).toEqual(['bug', false])
    },
  )
})

describe('the catalogue', () => {
  const entries = Object.entries(errorCatalogue) as [ErrorCode, (typeof errorCatalogue)[ErrorCode]][]

  test.each(entries)('%s has a hint that says what to do, and an exit code that fits', (_code, { hint, exit }) => {
    expect(hint.length).toBeGreaterThan(20)
    expect([1, 2, 3]).toContain(exit)
  })

  test('what an operator has to correct in a request or the configuration exits with 2', () => {
    for (const code of ['config.invalid', 'checkpoint.invalid-request', 'checkpoint.other-stream'] as const)
      expect(errorCatalogue[code].exit).toBe(2)
  })

  test('what nobody understands stops the stream: it is never overwritten, never guessed', () => {
    for (const code of [
      'checkpoint.missing',
      'checkpoint.damaged',
      'checkpoint.unknown-format',
      'checkpoint.other-stream',
      'checkpoint.rolled-back',
      'checkpoint.note-lost',
    ] as const)
      expect(errorCatalogue[code].then).toBe('stop')
  })

  test('only a stream that another process opened is lost', () => {
    expect(entries.filter(([, { then }]) => then === 'lost').map(([code]) => code)).toEqual(['publish.fenced'])
  })
})

test('a case that was forgotten is named', () => {
  expect(() => assertNever({ kind: 'new' } as never)).toThrow('{"kind":"new"}')
})
