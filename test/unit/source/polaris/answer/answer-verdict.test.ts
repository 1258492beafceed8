import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectorError, isTransient } from '../../../../../connector/runtime/connector-error.ts'
import { judgeAnswer, statusError } from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import { networkError } from '../../../../../connector/source/polaris/answer/network-error.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

// Answers are judged as texts with a status, some of them damaged at random places.

const url = new URL('https://polaris.example.com/core/api/Client.GetClientsModified?lastChanged=DUPONT')
const http = new URL('http://polaris.example.com:81/')
const errorOf = (status: number, headers: IncomingHttpHeaders = {}, serverTime?: number) => {
  const answer = httpAnswer(status, 'DUPONT', 'text/html; charset=utf-8')
  const received = { ...answer, url, headers: { ...answer.headers, ...headers }, serverTime }
  return statusError(received, { auth: 'login', operation: 'read clients' })
}
const coded = (code: string, cause?: unknown) => Object.assign(new Error('with DUPONT in it', { cause }), { code })

describe('statusError', () => {
  test.each([
    [401, 'source.unauthorized', false],
    [404, 'source.function-missing', true],
    [408, 'source.unreachable', true],
    [501, 'source.request-refused', true],
  ])('maps %i to %s, transient: %s', (status, code, transient) => {
    const error = errorOf(status)
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(
        `(status ${status}, text/html, 6 bytes from https://polaris.example.com:443/core/api/Client.GetClientsModified)`,
      ),
    })
    expect(isTransient(error)).toBe(transient)
  })

  test('returns no error for 200', () => {
    expect(errorOf(200)).toBeUndefined()
  })

  test('says for 404 that POLARIS_URL is wrong, before it names the successor of the function', () => {
    expect(errorOf(404)?.message).toMatch(/POLARIS_URL is wrong.*withdrawn.*WebConnect/)
  })

  test('does not include an invalid content type', () => {
    expect(errorOf(500, { 'content-type': 'DUPONT; x' })?.message).toContain('no content type')
  })

  test.each([
    ['120', 120_000],
    ['Wed, 31 Jan 2024 13:45:30 GMT', 30_000],
    ['Wed, 31 Jan 2024 13:44:30 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('includes Retry-After, in seconds or as a date by the clock of the server: %s', (after, ms) => {
    const error = errorOf(503, { 'retry-after': after }, Date.parse('2024-01-31T13:45:00Z'))
    expect(error?.retryAfterMs).toBe(ms)
  })

  test.each([
    ['Negotiate, NTLM', /offers Negotiate, NTLM, and the connector needs Basic or anonymous/],
    ['negotiate, BASIC realm="a, Digest b"', /offers negotiate, BASIC \(/],
    ['NTLM TlRMTVNTUAACAAAA==', /offers NTLM,/],
    ['Bearer error="invalid_token", error_description="Dupont"', /offers Bearer,/],
    ['Dupont realm="Dupont", Zoe', /refuses the user \(/],
  ])('names for 401 the usual schemes of %s and nothing else', (schemes, expected) => {
    expect(errorOf(401, { 'www-authenticate': schemes })?.message).toMatch(expected)
  })
})

describe('networkError', () => {
  test.each([
    ['ECONNRESET', url, 'source.unreachable', 'polaris.example.com:443'],
    ['ECONNRESET', http, 'source.unreachable', 'use https:// in POLARIS_URL'],
    ['CERT_HAS_EXPIRED', url, 'source.certificate', 'has expired'],
  ])('maps %s of %s to %s, without the original message', (code, server, expected, explanation) => {
    const error = networkError(coded(code), server)
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) })
    expect(error.message).toContain(explanation)
    expect(error).not.toHaveProperty('cause')
    expect(error.message).not.toContain('DUPONT')
  })

  test('finds the code in a cause and in the first error of an AggregateError', () => {
    expect(networkError(new Error('x', { cause: coded('ECONNREFUSED') }), url).code).toBe('source.unreachable')
    expect(networkError(new AggregateError([coded('ENOTFOUND')]), url).code).toBe('source.unreachable')
  })

  test('returns a ConnectorError unchanged and throws a bug', () => {
    const error = new ConnectorError('source.certificate', 'x')
    expect(networkError(error, url)).toBe(error)
    expect(() => networkError(new TypeError('x'), url)).toThrow(TypeError)
  })
})

const judge = (status: number, body: string | Buffer, output: 'xml' | 'json' = 'xml') =>
  judgeAnswer(httpAnswer(status, body), { output, auth: 'login', timeZone: 'Europe/Paris' })
const judged = (status: number, body: string) => {
  const judgement = judge(status, body)
  return judgement.kind === 'page' ? 'page' : `${judgement.kind} ${judgement.error.code}`
}

const PAGES = {
  xml: '<?xml version="1.0" encoding="utf-8"?><p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1</checkPoint><l><InfoClient a="é"><No>1</No><Cartes><C>1</C></Cartes><D xsi:nil="true"/><E><![CDATA[<]]></E></InfoClient></l></p>',
  json: '{"d":{"hasMoreResults":true,"checkPoint":"t\\u0026","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/","F":{"é":[true]}}]}}',
}

describe('judgeAnswer', () => {
  test.each([
    [401, 'x', 'refused source.unauthorized'],
    [403, 'x', 'no-session source.forbidden'],
    [500, 'Accès refusé au fichier', 'no-page source.server-error'],
    [200, '<html><input type="password"></html>', 'no-session source.unauthorized'],
    [
      200,
      '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html><INPUT name=p TYPE=password></html>',
      'no-session source.unauthorized',
    ],
    [200, PAGES.xml, 'page'],
  ])('judges status %i with the body %s as %s', (status, body, expected) => {
    expect(judged(status, body)).toBe(expected)
  })

  test('accepts a page, whatever words its clients contain', () => {
    const words =
      'Session expirée, login, accès refusé, consultation des membres clients, <html><input type="password">'
    expect(
      judged(
        200,
        `<p><hasMoreResults>0</hasMoreResults><l><InfoClient><Nom><![CDATA[${words}]]></Nom></InfoClient></l></p>`,
      ),
    ).toBe('page')
  })

  test('returns a page or a ConnectorError for any bytes (invariant 9)', () => {
    const edit = fc.record({
      at: fc.nat(400),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 3 }),
        fc.constantFrom('<', '>', '&', '"', '{', ']', '</a>', '<!', '\\', '0', ':').map((text) => Buffer.from(text)),
      ),
    })
    fc.assert(
      fc.property(
        fc.constantFrom('xml' as const, 'json' as const),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (output, edits) => {
          const body = edits.reduce<Buffer>(
            (bytes, { at, remove, insert }) =>
              Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
            Buffer.from(PAGES[output]),
          )
          const judgement = judge(200, body, output)
          if (judgement.kind !== 'page') expect(judgement.error).toBeInstanceOf(ConnectorError)
        },
      ),
      { numRuns: 150 },
    )
  })
})
