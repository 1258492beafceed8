import { describe, expect, it } from 'vitest'
import { offeredSchemes } from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import { judgeLogin } from '../../../../../connector/source/polaris/session/login-verdict.ts'
import { serverAnswers } from '../../../../fixtures/answers/server-answers.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

const judged = (status: number, text: string | Buffer) => {
  const verdict = judgeLogin(httpAnswer(status, text), undefined, 0)
  return verdict.kind === 'logged-in' ? verdict.kind : `${verdict.kind} ${verdict.error.code}`
}
const LOGIN_FORM = '<html><form><input type=password></form></html>'
const TRACE = 'NullReferenceException\n   at Polaris.Acl.CheckPassword(String user, String password)'

describe('a login', () => {
  it.each(serverAnswers.filter(({ headers }) => headers?.location === undefined))(
    'with the response $name: $asLogin',
    ({ status = 200, body = '', headers, asLogin }) => {
      const schemes = offeredSchemes([headers?.['www-authenticate'] ?? []].flat())
      const verdict = judgeLogin({ ...httpAnswer(status, body), schemes }, undefined, 0)
      expect(verdict.kind).toBe(asLogin)
    },
  )

  it.each([
    [401, 'x', 'refused source.unauthorized'],
    [401, LOGIN_FORM, 'refused source.unauthorized'],
    [200, '<boolean>false</boolean>', 'refused source.unauthorized'],
    [200, 'false', 'refused source.unauthorized'],
    [200, '<Erreur>Mot de passe incorrect</Erreur>', 'refused source.unauthorized'],
    [200, '{"Error":"Unknown user"}', 'refused source.unauthorized'],
    [
      200,
      '<LoginResult><Code>5</Code><Error code="5">Mot de passe incorrect</Error></LoginResult>',
      'refused source.unauthorized',
    ],
    [200, '<LoginResult xmlns="x" code="5">False</LoginResult>', 'refused source.unauthorized'],
    [200, LOGIN_FORM, 'refused source.login-page'],
  ])('is refused with status %i and %s: %s', (status, text, expected) => {
    expect(judged(status, text)).toBe(expected)
  })

  it.each([
    [400, 'x', 'doubtful source.request-refused'],
    [403, 'x', 'doubtful source.forbidden'],
    [409, 'Utilisateur inconnu', 'doubtful source.request-refused'],
    [500, TRACE, 'doubtful source.server-error'],
    [200, `<Exception>${TRACE}</Exception>`, 'doubtful source.error-document'],
    [200, "<Error>SQL Server: Login failed for user 'polaris'</Error>", 'doubtful source.error-document'],
  ])('may have failed because of the credentials with status %i and %s: %s', (status, text, expected) => {
    expect(judged(status, text)).toBe(expected)
  })

  it.each([
    [404, 'HTTP Error 404. The requested resource is not found.', 'failed source.function-missing'],
    [405, 'x', 'failed source.request-refused'],
    [409, 'x', 'failed source.request-refused'],
    [429, 'x', 'failed source.throttled'],
    [500, 'x', 'failed source.server-error'],
    [500, Buffer.from([0xff, 0xe9]), 'failed source.server-error'],
    [502, LOGIN_FORM.replace('password', 'text'), 'failed source.server-error'],
    [503, 'Service Unavailable', 'failed source.server-error'],
    [404, 'ACL.Login: unknown password', 'failed source.function-missing'],
    [500, 'Requested URL: /core/api/ACL.Login, Logon User: Anonymous', 'failed source.server-error'],
    [200, '<Erreur>Disque plein</Erreur>', 'failed source.error-document'],
    [200, '<Error>SQL Server does not exist or access denied.</Error>', 'failed source.error-document'],
  ])('failed for another reason with status %i and %s: %s', (status, text, expected) => {
    expect(judged(status, text)).toBe(expected)
  })

  it.each([
    [200, ''],
    [200, '<boolean>true</boolean>'],
    [204, ''],
  ])('succeeded with status %i and %s', (status, text) => {
    expect(judged(status, text)).toBe('logged-in')
  })

  it.each([
    [401, ''],
    [200, 'false'],
    [200, LOGIN_FORM],
    [200, '<Erreur>Mot de passe incorrect</Erreur>'],
  ])('is not certainly refused with status %i and %s when a redirect dropped user and password', (status, text) => {
    const verdict = judgeLogin({ ...httpAnswer(status, text), hasLostArguments: true }, undefined, 0)
    expect(verdict.kind).toBe('doubtful')
  })

  it.each([
    [
      ['Negotiate', 'NTLM'],
      'failed',
      'source.authentication-unsupported',
      /by Negotiate, NTLM, which is not supported/,
    ],
    [['Bearer'], 'failed', 'source.authentication-unsupported', /by Bearer, which is not supported/],
    [['NTLM', 'Basic'], 'refused', 'source.unauthorized', /the server refuses the user; it offers NTLM, Basic/],
    [[], 'refused', 'source.unauthorized', /the server refuses the user \(/],
  ])('with status 401 that offers %j: %s %s', (schemes, kind, code, message) => {
    const verdict = judgeLogin({ ...httpAnswer(401, ''), schemes }, undefined, 0)
    expect(verdict).toMatchObject({ kind, error: { code, message: expect.stringMatching(message) } })
  })

  it.each([
    '<LoginResult><DefaultShop>3</DefaultShop><Error/><ErrorCode>0</ErrorCode></LoginResult>',
    '{"error":null,"token":"x"}',
  ])('succeeded with a field that only looks like an error: %s', (text) => {
    expect(judged(200, text)).toBe('logged-in')
  })

  it('is refused with words in a SOAP fault, whose code is in the error', () => {
    const fault =
      '<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>Mot de passe incorrect</faultstring></s:Fault></s:Body></s:Envelope>'
    const verdict = judgeLogin(httpAnswer(200, fault), undefined, 0)
    expect(verdict).toMatchObject({ kind: 'refused', error: { message: expect.stringMatching(/: s:Client$/) } })
  })

  it('without the configured token may have failed because of the credentials', () => {
    const token = { from: { kind: 'field', path: 'Token' }, sendAs: { kind: 'query', name: 's' } } as const
    const verdict = judgeLogin(httpAnswer(200, '<LoginResult/>'), token, 0)
    expect(verdict).toMatchObject({ kind: 'doubtful', error: { code: 'source.answer-not-a-page' } })
    expect(judgeLogin(httpAnswer(200, '<html>Maintenance</html>'), token, 0)).toMatchObject({ kind: 'failed' })
  })
})
