import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { faultIn, serverMessage } from '../../../../../connector/source/polaris/answer/server-message.ts'
import { judgeLogin } from '../../../../../connector/source/polaris/session/login-verdict.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

// Texts of servers are judged, some of them made to take long.

const messageOf = (body: string | Buffer) => serverMessage(httpAnswer(200, body))
const textOf = (body: string | Buffer) => messageOf(body).texts.join('\n')
const faultOf = (body: string) => faultIn(messageOf(body))

const soap11 = (code: string, rest = '') =>
  `<soap:Envelope xmlns:soap="x"><soap:Body><soap:Fault><faultcode>${code}</faultcode><faultstring>Dupont</faultstring>${rest}</soap:Fault></soap:Body></soap:Envelope>`
const detail = (type: string, inner = '') =>
  `<ExceptionDetail><InnerException>${inner}</InnerException><Message>Dupont</Message><StackTrace>   at Polaris.Acl.Login(String user)</StackTrace><Type>${type}</Type></ExceptionDetail>`

describe('the text of a response that is not a page', () => {
  test.each([
    ['XML', '<Erreur code="5">Session expir&#233;e</Erreur>', /Session\s+expirée/],
    ['XML that is not well-formed', '<Erreur><Message>Session expir&eacute;e<br></Message>', /Session expir&eacute;e/],
    ['JSON', '{"Error":{"Message":"Session \\u0065xpirée","Code":5}}', /Session expirée/],
    [
      'HTML, without its markup',
      '<!DOCTYPE html><html><p class="droits">Session expirée</p>',
      /^[^<>]*Session expirée\s*$/,
    ],
    ['plain text', 'Session expirée', /^Session expirée$/],
  ])('is read from %s', (_, body, expected) => {
    expect(textOf(body)).toMatch(expected)
  })

  test('is what the first 64 KB say', () => {
    const long = 'x'.repeat(100_000)
    expect(textOf(`<Erreur><Message>Session expirée</Message><Trace>${long}</Trace></Erreur>`)).toContain('expirée')
    const fault = soap11('s:Client', `<detail>${detail('System.TimeoutException')}${long}</detail>`)
    expect(faultOf(fault)).toBe('System.TimeoutException')
  })

  test('is read byte by byte if the bytes are not valid in their encoding', () => {
    expect(textOf(Buffer.from('<Erreur>Accès refusé</Erreur>', 'latin1'))).toBe('Accès refusé')
  })
})

describe('the fault of a response', () => {
  test.each([
    ['a SOAP 1.1 fault', soap11('s:Client'), 's:Client'],
    [
      'a SOAP 1.2 fault',
      '<Fault><Code><Value>s:Receiver</Value><Subcode><Value>a:DispatcherFault</Value></Subcode></Code><Reason><Text>Dupont</Text></Reason></Fault>',
      'a:DispatcherFault',
    ],
    [
      'an exception in the detail',
      soap11('a:x', `<detail>${detail('System.TimeoutException')}</detail>`),
      'System.TimeoutException',
    ],
    [
      'an inner exception',
      detail('System.Web.HttpException', detail('System.Data.SqlClient.SqlException')),
      'System.Data.SqlClient.SqlException',
    ],
    [
      'the last arrow of a text',
      soap11('soap:Server').replace(
        'Dupont',
        'System.Web.Services.Protocols.SoapException: x ---&gt; System.TimeoutException: Dupont',
      ),
      'System.TimeoutException',
    ],
    ['JSON', '{"Message":"Dupont","ExceptionType":"System.TimeoutException"}', 'System.TimeoutException'],
    [
      'an unfinished document',
      '<Error><ExceptionType>System.TimeoutException</ExceptionType><Message>Dup',
      'System.TimeoutException',
    ],
  ])('is taken from %s', (_, body, name) => {
    expect(faultOf(body)).toBe(name)
  })

  // Invariant 8: no personal data in an error.
  test.each([
    soap11('Dupont'),
    soap11('DUPONT'),
    soap11('zoe.dupont@exemple.fr'),
    soap11('s:12345'),
    '<Erreur><Code>DupontMartin</Code></Erreur>',
    '{"Error":{"Code":"DupontMartin"}}',
    '<Erreur><Code>Dupont</Code><Message>Jean.Dupont</Message></Erreur>',
    '{"error":"Dupont","ExceptionType":"Jean Dupont"}',
    'Dupont.Exception',
  ])('is never other text: %s', (body) => {
    expect(faultOf(body)).toBeUndefined()
  })
})

const KB = 1024
const repeated = (unit: string) => unit.repeat(Math.floor((70 * KB) / unit.length))

test.each([
  ['{"errorerror…', `{"${repeated('error')}`],
  ['<a><a>…', repeated('<a>')],
  ['<a/><a/>…', `<r>${repeated('<a/>')}`],
  ['nested lists', repeated('[1,')],
  ['an attribute without end', `<r a="${repeated('x')}`],
  ['unfinished comments', repeated('<!--')],
  ['line breaks in text', `${'\n'.repeat(60 * KB)}at`],
  ['16 MB of blanks', ' '.repeat(KB * KB * 16)],
  ['arrows', repeated('---> ')],
])('a hostile response does not stop the process: %s', (_, body) => {
  const began = performance.now()
  judgeLogin(httpAnswer(200, body), undefined)
  expect(performance.now() - began).toBeLessThan(5_000)
})
