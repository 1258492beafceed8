import { describe, expect, test } from 'vitest'
import type { OutputFormat } from '../../../../../../connector/source/client-source.ts'
import { decodeBody } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'
import { httpAnswer } from '../../../../../support/http-answer.ts'

// A page in each format is cut after every byte.

const decode = (body: string | Buffer, output: OutputFormat = body.includes('</') ? 'xml' : 'json') =>
  decodeBody(httpAnswer(200, body), output, { timeZone: 'Europe/Paris' })
const malformed = (message: RegExp) =>
  expect.objectContaining({ code: 'source.answer-malformed', message: expect.stringMatching(message) })

const XML =
  '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1 </checkPoint><l>' +
  '<InfoClient a="é"><No>1</No><Cartes><C><No>1</No><Tels>06</Tels></C></Cartes><D xsi:nil="true"/><E><![CDATA[<€]]></E></InfoClient>' +
  '<InfoClient><No>2</No><Cartes/><A><V>&#xD83D;&#xDE00;</V><T>1</T><T>2</T></A><M>\n😀</M></InfoClient><InfoClient/></l></p>'
const JSON_PAGE =
  ' {"d":{"hasMoreResults":true,"checkPoint":"t\\u0026\\\\","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/"},' +
  '{"F":{"é":[[true],{}]},"s":"]}\\\\\\"😀","Cartes":{"C":[{"No":1e5,"Tels":"06"}]}},{}, null ],"o":[1,"[{",[]]}}'

describe('decodeBody', () => {
  test.each([
    ['xml', XML, 3],
    ['json', JSON_PAGE, 4],
  ] as const)('decodes a page in %s, and refuses it where the other format was requested', (format, text, clients) => {
    const page = decode(text, format)
    expect([page.hasMoreResults, page.clients.length]).toEqual([true, clients])
    expect(() => decode(text, format === 'xml' ? 'json' : 'xml')).toThrow(malformed(/not in the requested format/))
  })

  test.each([
    ['xml', XML],
    ['json', JSON_PAGE.trim()],
  ] as const)('refuses a page in %s that ends after any byte (invariant 9)', (format, text) => {
    const body = Buffer.from(text)
    for (let length = 4; length < body.length; length += 1)
      expect(() => decode(body.subarray(0, length), format), `${length} bytes`).toThrow(
        malformed(/^(?!.*requested format)/),
      )
  })

  test.each([
    '{"hasMoreResults":true,"checkPoint":"a","HASMORERESULTS":true}',
    '{"d":{"hasMoreResults":true,"checkPoint":"a","checkpoint":"a"}}',
    '<p><hasMoreResults>true</hasMoreResults><checkPoint>a</checkPoint><checkpoint>a</checkpoint></p>',
    '<p hasMoreResults="false"><hasMoreResults>false</hasMoreResults></p>',
  ])('refuses a flag or token that stands twice: %s', (text) => {
    expect(() => decode(text)).toThrow(malformed(/more than once/))
  })
})
