import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { clientShape } from '../../../connector/source/field-shape.ts'
import type { HttpAnswer } from '../../../connector/source/http-caller.ts'
import { type JudgeSettings, judgeAnswer } from '../../../connector/source/judge-answer.ts'

const settings = (output: 'xml' | 'json'): JudgeSettings => ({
  shape: clientShape(['Cartes'], () => undefined),
  timeZone: 'Europe/Paris',
  output,
  clientsField: undefined,
  nowMs: 0,
})
const answer = (status: number, body: string | Buffer, contentType = 'text/xml'): HttpAnswer => ({
  status,
  body: Buffer.from(body),
  contentType,
  retryAfter: undefined,
  serverTime: undefined,
  tookMs: 1,
  hasLostArguments: false,
})
const judged = (status: number, body: string, output: 'xml' | 'json' = 'xml') => {
  const judgement = judgeAnswer(answer(status, body), settings(output))
  return judgement.kind === 'page' ? 'page' : `${judgement.kind} ${judgement.error.code}`
}

const PAGES = {
  xml: '<?xml version="1.0" encoding="utf-8"?><p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1</checkPoint><l><InfoClient a="é"><No>1</No><Cartes><C>1</C></Cartes><D xsi:nil="true"/><E><![CDATA[<]]></E></InfoClient></l></p>',
  json: '{"d":{"hasMoreResults":true,"checkPoint":"t\\u0026","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/","F":{"é":[true]}}]}}',
}

describe('judgeAnswer', () => {
  it.each([
    [401, 'x', 'logged-out source.unauthorized'],
    [403, 'x', 'logged-out source.forbidden'],
    [403, 'Droits insuffisants', 'failed source.forbidden'],
    [403, 'Accès refusé', 'failed source.forbidden'],
    [500, 'Droit « saisie des membres clients » requis', 'failed source.forbidden'],
    [500, 'Accès refusé au fichier', 'failed source.server-error'],
    [200, '<html><input type="password"></html>', 'logged-out source.unauthorized'],
    [
      200,
      '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html><INPUT name=p TYPE=password></html>',
      'logged-out source.unauthorized',
    ],
    [200, '<html>Site en maintenance</html>', 'failed source.answer-not-a-page'],
    [200, '<Erreur>Session expirée</Erreur>', 'logged-out source.error-document'],
    [200, 'Not logged in', 'logged-out source.answer-not-a-page'],
    [200, '<Erreur>Accès refusé</Erreur>', 'failed source.forbidden'],
    [200, '<Erreur>Disque plein</Erreur>', 'failed source.error-document'],
    [200, PAGES.xml, 'page'],
  ])('takes %i with %s for %s', (status, body, expected) => {
    expect(judged(status, body)).toBe(expected)
  })

  it('takes a page for a page, whatever words its clients have', () => {
    const words =
      'Session expirée, login, accès refusé, consultation des membres clients, <html><input type="password">'
    expect(
      judged(
        200,
        `<p><hasMoreResults>0</hasMoreResults><l><InfoClient><Nom><![CDATA[${words}]]></Nom></InfoClient></l></p>`,
      ),
    ).toBe('page')
  })

  it('refuses a page in the other format', () => {
    expect(judged(200, PAGES.json, 'xml')).toBe('failed source.answer-malformed')
    expect(judged(200, PAGES.xml, 'json')).toBe('failed source.answer-malformed')
  })

  it('refuses a page from a place without the arguments of the call (invariant 5)', () => {
    const judgement = judgeAnswer({ ...answer(200, PAGES.xml), hasLostArguments: true }, settings('xml'))
    expect(judgement).toMatchObject({ kind: 'failed', error: { code: 'source.redirected' } })
  })

  it('makes a page or a coded error of whatever bytes come (invariant 9)', () => {
    const edit = fc.record({
      at: fc.nat(400),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 3 }),
        fc
          .constantFrom(...['<', '>', '&', '"', '{', ']', '</a>', '<!', '\\', '0', ':'])
          .map((sign) => Buffer.from(sign)),
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
          const judgement = judgeAnswer(answer(200, body), settings(output))
          if (judgement.kind !== 'page') expect(judgement.error).toBeInstanceOf(ConnectorError)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
