import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../../../connector/runtime/connector-error.ts'
import { judgeLogin } from '../../../../../connector/source/polaris/session/login-verdict.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

const judged = (status: number, text: string | Buffer) => {
  try {
    const outcome = judgeLogin(httpAnswer(status, text), undefined)
    if (outcome.kind !== 'refused') return outcome.kind
    return `${outcome.kind} ${outcome.error.code} ${outcome.againAfterMs / 60_000}`
  } catch (error) {
    return `failed ${codeOf(error)}`
  }
}
const LOGIN_FORM = '<html><form><input type=password></form></html>'

describe('a login', () => {
  test.each([
    [401, 'x', 'refused source.unauthorized 30'],
    [200, '<boolean>false</boolean>', 'refused source.unauthorized 30'],
    [200, '<Erreur>Mot de passe incorrect</Erreur>', 'refused source.unauthorized 30'],
    [200, LOGIN_FORM, 'refused source.unauthorized 30'],
    [400, 'x', 'refused source.request-refused 5'],
    [500, 'x', 'refused source.server-error 5'],
    [404, 'ACL.Login: unknown password', 'failed source.function-missing'],
    [429, 'x', 'failed source.throttled'],
    [502, LOGIN_FORM, 'failed source.server-error'],
  ])('with status %i and %s: %s', (status, text, expected) => {
    expect(judged(status, text)).toBe(expected)
  })

  test.each([
    [200, ''],
    [200, '<boolean>true</boolean>'],
  ])('succeeded with status %i and %s', (status, text) => {
    expect(judged(status, text)).toBe('accepted')
  })

  test('is not refused when a redirect dropped user and password', () => {
    const answer = { ...httpAnswer(200, 'false'), hasLostArguments: true }
    expect(() => judgeLogin(answer, undefined)).toThrow(expect.objectContaining({ code: 'source.request-refused' }))
  })

  test.each([
    '<LoginResult><DefaultShop>3</DefaultShop><Error/><ErrorCode>0</ErrorCode></LoginResult>',
    '{"error":null,"token":"x"}',
  ])('succeeded with a field that only looks like an error: %s', (text) => {
    expect(judged(200, text)).toBe('accepted')
  })

  test('is refused with words in a SOAP fault, whose code is in the error', () => {
    const fault =
      '<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>Mot de passe incorrect</faultstring></s:Fault></s:Body></s:Envelope>'
    const verdict = judgeLogin(httpAnswer(200, fault), undefined)
    expect(verdict).toMatchObject({ kind: 'refused', error: { message: expect.stringMatching(/: s:Client$/) } })
  })

  test('is refused without the configured token', () => {
    const token = { from: { kind: 'field', path: 'Token' }, sendAs: { kind: 'query', name: 's' } } as const
    const verdict = judgeLogin(httpAnswer(200, '<LoginResult/>'), token)
    expect(verdict).toMatchObject({ kind: 'refused', error: { code: 'source.unauthorized' } })
  })
})
