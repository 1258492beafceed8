import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import { type JudgeSettings, judgeAnswer } from '../../../../../connector/source/polaris/answer/judge-answer.ts'
import { decodeBody } from '../../../../../connector/source/polaris/decode/page/decode-page.ts'
import type { HttpAnswer } from '../../../../../connector/source/polaris/http/http-caller.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

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
    [200, '<html>Site en maintenance</html>', 'no-page source.answer-malformed'],
    [200, '<Erreur>Session expirée</Erreur>', 'no-page source.error-document'],
    [200, 'Not logged in', 'no-page source.answer-malformed'],
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

  it('rejects a page after a redirect that dropped arguments (invariant 5)', async () => {
    const judgement = await judge({ ...httpAnswer(200, PAGES.xml), hasLostArguments: true })
    expect(judgement).toMatchObject({ kind: 'no-page', error: { code: 'source.request-refused' } })
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
      { numRuns: 300 },
    )
  })
})
