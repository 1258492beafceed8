import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectorError, isTransient } from '../../../../../connector/runtime/connector-error.ts'
import {
  type JudgeSettings,
  judgeAnswer,
  retryAfterMs,
  statusError,
} from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import { networkError } from '../../../../../connector/source/polaris/answer/network-error.ts'
import { decodeBody } from '../../../../../connector/source/polaris/decode/page/decode-page.ts'
import type { HttpAnswer } from '../../../../../connector/source/polaris/http/http-caller.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

const url = new URL('https://polaris.example.com/core/api/Client.GetClientsModified?lastChanged=DUPONT')
const http = new URL('http://polaris.example.com:81/')
const facts = (status: number, retryAfter?: string) => ({
  url,
  status,
  contentType: 'text/html; charset=utf-8',
  body: Buffer.alloc(12),
  retryAfter,
})
const login = { auth: 'login', operation: 'read clients' } as const
const coded = (code: string, cause?: unknown) => Object.assign(new Error('with DUPONT in it', { cause }), { code })

describe('statusError', () => {
  it.each([
    [401, 'source.unauthorized', false],
    [404, 'source.function-missing', true],
    [408, 'source.unreachable', true],
    [501, 'source.request-refused', true],
  ])('maps %i to %s, transient: %s', (status, code, transient) => {
    const error = statusError(facts(status), { ...login, nowMs: 0 })
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(
        `(status ${status}, text/html, 12 bytes from https://polaris.example.com:443/core/api/Client.GetClientsModified)`,
      ),
    })
    expect(isTransient(error)).toBe(transient)
  })

  it('returns no error for 200', () => {
    expect(statusError(facts(200), { ...login, nowMs: 0 })).toBeUndefined()
  })

  it('says for 404 that POLARIS_URL is wrong, before it names the successor of the function', () => {
    expect(statusError(facts(404), { ...login, nowMs: 0 })?.message).toMatch(
      /POLARIS_URL is wrong.*withdrawn.*WebConnect/,
    )
  })

  it('does not include an invalid content type', () => {
    const error = statusError(
      { url, status: 500, contentType: 'DUPONT; x', body: Buffer.alloc(0) },
      { ...login, nowMs: 0 },
    )
    expect(error?.message).toContain('no content type')
  })

  it('includes Retry-After, in seconds or as a date', () => {
    const now = Date.parse('2024-01-31T13:45:00Z')
    expect(statusError(facts(503, '120'), { ...login, nowMs: now })?.retryAfterMs).toBe(120_000)
    expect(statusError(facts(429, 'Wed, 31 Jan 2024 13:45:30 GMT'), { ...login, nowMs: now })?.retryAfterMs).toBe(
      30_000,
    )
    expect(retryAfterMs('Wed, 31 Jan 2024 13:44:30 GMT', now)).toBe(0)
    expect(retryAfterMs('soon', now)).toBeUndefined()
    expect(retryAfterMs(undefined, now)).toBeUndefined()
  })
})

describe('networkError', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 'source.unreachable'],
    ['ECONNRESET', 'body', 'source.answer-malformed'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'source.certificate'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect', 'source.unreachable'],
  ] as const)('maps %s in phase %s to %s, without the original message', (code, phase, expected) => {
    const error = networkError(coded(code), phase, url)
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) })
    expect(error.message).toContain('polaris.example.com:443')
    expect(error).not.toHaveProperty('cause')
    expect(error.message).not.toContain('DUPONT')
  })

  it.each([
    ['ECONNRESET', http, 'use https:// in POLARIS_URL'],
    ['CERT_HAS_EXPIRED', url, 'has expired'],
  ])('explains %s of %s', (code, server, explanation) => {
    expect(networkError(coded(code), 'connect', server).message).toContain(explanation)
  })

  it('finds the code in a cause and in the first error of an AggregateError', () => {
    expect(networkError(new Error('x', { cause: coded('ECONNREFUSED') }), 'connect', url).code).toBe(
      'source.unreachable',
    )
    expect(networkError(new AggregateError([coded('ENOTFOUND')]), 'connect', url).code).toBe('source.unreachable')
  })

  it('returns a ConnectorError unchanged and throws a bug', () => {
    const error = new ConnectorError('source.certificate', 'x')
    expect(networkError(error, 'connect', url)).toBe(error)
    expect(() => networkError(new TypeError('x'), 'connect', url)).toThrow(TypeError)
  })
})

const settings = (output: 'xml' | 'json'): JudgeSettings => ({
  output,
  auth: 'login',
  nowMs: 0,
})
const judge = async (received: HttpAnswer, output: 'xml' | 'json' = 'xml') => {
  const decoded = decodeBody(received.body, received.contentType, { timeZone: 'Europe/Paris' })
  return judgeAnswer(received, decoded, settings(output))
}
const judged = async (status: number, body: string, output: 'xml' | 'json' = 'xml') => {
  const judgement = await judge(httpAnswer(status, body), output)
  return judgement.kind === 'page' ? 'page' : `${judgement.kind} ${judgement.error.code}`
}

const PAGES = {
  xml: '<?xml version="1.0" encoding="utf-8"?><p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1</checkPoint><l><InfoClient a="é"><No>1</No><Cartes><C>1</C></Cartes><D xsi:nil="true"/><E><![CDATA[<]]></E></InfoClient></l></p>',
  json: '{"d":{"hasMoreResults":true,"checkPoint":"t\\u0026","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/","F":{"é":[true]}}]}}',
}

describe('judgeAnswer', () => {
  it.each([
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
  ])('judges status %i with the body %s as %s', async (status, body, expected) => {
    expect(await judged(status, body)).toBe(expected)
  })

  it('accepts a page, whatever words its clients contain', async () => {
    const words =
      'Session expirée, login, accès refusé, consultation des membres clients, <html><input type="password">'
    expect(
      await judged(
        200,
        `<p><hasMoreResults>0</hasMoreResults><l><InfoClient><Nom><![CDATA[${words}]]></Nom></InfoClient></l></p>`,
      ),
    ).toBe('page')
  })

  it('returns a page or a ConnectorError for any bytes (invariant 9)', async () => {
    const edit = fc.record({
      at: fc.nat(400),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 3 }),
        fc
          .constantFrom(...['<', '>', '&', '"', '{', ']', '</a>', '<!', '\\', '0', ':'])
          .map((text) => Buffer.from(text)),
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('xml' as const, 'json' as const),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (output, edits) => {
          const body = edits.reduce<Buffer>(
            (bytes, { at, remove, insert }) =>
              Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
            Buffer.from(PAGES[output]),
          )
          const judgement = await judge(httpAnswer(200, body), output)
          if (judgement.kind !== 'page') expect(judgement.error).toBeInstanceOf(ConnectorError)
        },
      ),
      { numRuns: 150 },
    )
  })
})
