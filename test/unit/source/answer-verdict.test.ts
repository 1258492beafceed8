import { describe, expect, it } from 'vitest'
import { ConnectorError, isTransient } from '../../../connector/runtime/connector-error.ts'
import {
  mayRefuseCheckPoint,
  networkError,
  retryAfterMs,
  statusError,
} from '../../../connector/source/answer-verdict.ts'

const facts = (status: number, retryAfter?: string) => ({
  status,
  contentType: 'text/html; charset=utf-8',
  bytes: 12,
  retryAfter,
})
const coded = (code: string, cause?: unknown) => Object.assign(new Error('with DUPONT in it', { cause }), { code })

describe('statusError', () => {
  it.each([
    [400, 'source.request-refused', false],
    [401, 'source.unauthorized', false],
    [403, 'source.forbidden', false],
    [404, 'source.function-missing', false],
    [405, 'source.request-refused', false],
    [408, 'source.timeout', true],
    [410, 'source.request-refused', false],
    [413, 'source.request-refused', false],
    [429, 'source.throttled', true],
    [500, 'source.server-error', true],
    [501, 'source.request-refused', false],
    [502, 'source.server-error', true],
    [503, 'source.server-error', true],
    [504, 'source.server-error', true],
    [599, 'source.server-error', true],
    [204, 'source.answer-not-a-page', true],
    [206, 'source.answer-truncated', true],
    [304, 'source.answer-not-a-page', true],
  ])('takes %i for %s, transient: %s', (status, code, transient) => {
    const error = statusError(facts(status), 0)
    expect(error).toMatchObject({ code, message: expect.stringContaining(`status ${status}, text/html, 12 bytes`) })
    expect(isTransient(error)).toBe(transient)
  })

  it('leaves 200 to the body', () => {
    expect(statusError(facts(200), 0)).toBeUndefined()
  })

  it('names the missing rights', () => {
    expect(statusError(facts(403), 0)?.message).toMatch(
      /«consultation des membres clients».*«saisie des membres clients»/,
    )
  })

  it('says of an absent function that it may have been withdrawn, and names its successor', () => {
    expect(statusError(facts(404), 0)?.message).toMatch(/withdrawn.*WebConnect/)
  })

  it('hands on how long to wait, in seconds or as a date', () => {
    const now = Date.parse('2024-01-31T13:45:00Z')
    expect(statusError(facts(503, '120'), now)?.retryAfterMs).toBe(120_000)
    expect(statusError(facts(429, 'Wed, 31 Jan 2024 13:45:30 GMT'), now)?.retryAfterMs).toBe(30_000)
    expect(retryAfterMs('Wed, 31 Jan 2024 13:44:30 GMT', now)).toBe(0)
    expect(retryAfterMs('soon', now)).toBeUndefined()
    expect(retryAfterMs(undefined, now)).toBeUndefined()
  })

  it('says nothing of a content type that is none', () => {
    const error = statusError({ status: 500, contentType: 'DUPONT; x', bytes: 0 }, 0)
    expect(error?.message).toContain('no content type')
  })
})

describe('networkError', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 'source.unreachable'],
    ['ECONNRESET', 'connect', 'source.unreachable'],
    ['ENOTFOUND', 'connect', 'source.unreachable'],
    ['UND_ERR_SOCKET', 'connect', 'source.unreachable'],
    ['HPE_INVALID_CONSTANT', 'connect', 'source.unreachable'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect', 'source.timeout'],
    ['UND_ERR_HEADERS_TIMEOUT', 'connect', 'source.timeout'],
    ['ETIMEDOUT', 'connect', 'source.timeout'],
    ['UND_ERR_SOCKET', 'body', 'source.answer-truncated'],
    ['ECONNRESET', 'body', 'source.answer-truncated'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'source.certificate'],
    ['CERT_HAS_EXPIRED', 'connect', 'source.certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 'source.certificate'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect', 'source.unreachable'],
  ] as const)('takes %s in %s for %s, and keeps what it says to itself', (code, phase, expected) => {
    const error = networkError(coded(code), phase)
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) })
    expect(error).not.toHaveProperty('cause')
    expect(error.message).not.toContain('DUPONT')
  })

  it('looks for the code in causes and in the first of several errors', () => {
    expect(networkError(new Error('x', { cause: coded('ECONNREFUSED') }), 'connect').code).toBe('source.unreachable')
    expect(networkError(new AggregateError([coded('ENOTFOUND')]), 'connect').code).toBe('source.unreachable')
  })

  it('leaves coded errors as they are, and does not swallow bugs', () => {
    const error = new ConnectorError('source.certificate', 'x')
    expect(networkError(error, 'connect')).toBe(error)
    expect(() => networkError(new TypeError('x'), 'connect')).toThrow(TypeError)
  })
})

describe('mayRefuseCheckPoint', () => {
  it.each([
    ['source.request-refused', true],
    ['source.function-missing', true],
    ['source.error-document', true],
    ['source.server-error', true],
    ['source.unauthorized', false],
    ['source.forbidden', false],
    ['source.timeout', false],
    ['source.throttled', false],
    ['source.unreachable', false],
    ['source.answer-truncated', false],
    ['source.answer-malformed', false],
  ] as const)('%s: %s', (code, may) => {
    expect(mayRefuseCheckPoint(new ConnectorError(code, 'x'))).toBe(may)
  })

  it('is never so for bugs and aborts', () => {
    expect([new TypeError('x'), new DOMException('x', 'AbortError'), undefined].map(mayRefuseCheckPoint)).toEqual([
      false,
      false,
      false,
    ])
  })
})
