import { describe, expect, test } from 'vitest'
import { ConnectorError, codeOf, isTransient } from '../../../connector/runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'

describe('a ConnectorError', () => {
  test('keeps its code and its cause', () => {
    const cause = new Error('refused')
    const error = new ConnectorError('publish.failed', 'open publisher', { cause, retryAfterMs: 5 })
    expect(error).toMatchObject({ name: 'ConnectorError', code: 'publish.failed', cause, retryAfterMs: 5 })
    expect([codeOf(error), isTransient(error)]).toEqual(['publish.failed', true])
  })

  test.each([new TypeError('x'), 'text', undefined, new DOMException('stop', 'AbortError')])(
    'is the only error that is not a bug; any other is a bug and not transient: %s',
    (error) => {
      expect([codeOf(error), isTransient(error)]).toEqual(['bug', false])
    },
  )
})

describe('the catalogue', () => {
  const entries = Object.entries(errorCatalogue) as [ErrorCode, (typeof errorCatalogue)[ErrorCode]][]

  test.each(entries)('%s has a hint and an exit code', (_code, { hint, exit }) => {
    expect(hint.length).toBeGreaterThan(20)
    expect([1, 2, 3, 4]).toContain(exit)
  })

  test.each(entries)('the hint of %s for a command does not say what `run` does', (_code, { hint, runHint }) => {
    expect(hint).not.toMatch(/no action needed|`run`|indefinitely|resumes|is retried|stream waits/)
    if (runHint !== hint) expect(runHint).toMatch(/no action needed|`run`|resumes|stream waits|after `resume`/)
  })

  test('exits with 1 when what was stored is damaged or lost, which no repetition cures', () => {
    const exits = (of: RegExp) => entries.filter(([code]) => of.test(code)).map(([, { exit }]) => exit)
    expect(new Set(exits(/^(?:checkpoint|control)\..*(?:damaged|lost|rolled-back|unknown-format)$/))).toEqual(
      new Set([1]),
    )
    expect(new Set(exits(/unavailable|unreachable/))).toEqual(new Set([3]))
  })
})
