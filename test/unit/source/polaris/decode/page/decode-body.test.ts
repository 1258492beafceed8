import { describe, expect, it } from 'vitest'
import { decodeBody } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'

const decode = (body: Buffer, contentType?: string) => decodeBody(body, contentType, { timeZone: 'Europe/Paris' })

const XML =
  '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1 </checkPoint><l>' +
  '<InfoClient a="é"><No>1</No><Cartes><C><No>1</No><Tels>06</Tels></C></Cartes><D xsi:nil="true"/><E><![CDATA[<€]]></E></InfoClient>' +
  '<InfoClient><No>2</No><Cartes/><A><V>&#xD83D;&#xDE00;</V><T>1</T><T>2</T></A><M>\n😀</M></InfoClient><InfoClient/></l></p>'
const JSON_PAGE =
  ' {"d":{"hasMoreResults":true,"checkPoint":"t\\u0026\\\\","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/"},' +
  '{"F":{"é":[[true],{}]},"s":"]}\\\\\\"😀","Cartes":{"C":[{"No":1e5,"Tels":"06"}]}},{}, null ],"o":[1,"[{",[]]}}'

describe('decodeBody', () => {
  it.each([
    ['xml', XML, 3],
    ['json', JSON_PAGE, 4],
  ] as const)('decodes a page in %s', (format, text, clients) => {
    expect(decode(Buffer.from(text))).toMatchObject({
      kind: 'page',
      format,
      content: { hasMoreResults: true, clients: Array.from({ length: clients }, () => expect.anything()) },
    })
  })

  it('reports a page that ends after any byte as truncated (invariant 9)', () => {
    for (const text of [XML, JSON_PAGE.trim()]) {
      const body = Buffer.from(text)
      for (let length = 4; length < body.length; length += 1)
        expect(decode(body.subarray(0, length)), body.toString('utf8', 0, length)).toMatchObject({
          error: { code: 'source.answer-malformed' },
        })
    }
  })

  it.each([
    ['in JSON', '{"hasMoreResults":false,"Clients":[{"No":"1","Nom":"é😀"}]}'],
    ['in XML', '<p><hasMoreResults>false</hasMoreResults><InfoClient><No>1</No><Nom>é😀</Nom></InfoClient></p>'],
  ])('decodes UTF-8 %s, whatever charset the header claims', (_, text) => {
    for (const charset of ['utf-8', 'iso-8859-1', 'windows-1252', 'us-ascii'])
      expect(decode(Buffer.from(text), `application/json; charset=${charset}`)).toMatchObject({
        content: { clients: [{ No: '1', Nom: 'é😀' }] },
      })
  })

  it.each([
    ['in JSON', '{"hasMoreResults":false,"Clients":[{"Nom":"Zo\xe9","N":1.50}]}'],
    ['in XML', '<p><hasMoreResults>false</hasMoreResults><InfoClient><Nom>Zo\xe9</Nom><N>1.50</N></InfoClient></p>'],
  ])('decodes the charset of the header %s when the bytes are not UTF-8', (_, text) => {
    const body = Buffer.from(text, 'latin1')
    expect(decode(body, 'text/plain; charset=iso-8859-1')).toMatchObject({
      content: { clients: [{ Nom: 'Zoé', N: '1.50' }] },
    })
    expect(decode(body)).toMatchObject({ error: { code: 'source.answer-malformed' } })
  })

  it.each(['', ' ', ' '.repeat(100_000)])('refuses a blank body', (text) => {
    expect(decode(Buffer.from(text))).toMatchObject({ error: { code: 'source.answer-malformed' } })
  })

  it.each([
    '{"hasMoreResults":true,"checkPoint":"a","HASMORERESULTS":true}',
    '{"d":{"hasMoreResults":true,"checkPoint":"a","checkpoint":"a"}}',
    '<p><hasMoreResults>true</hasMoreResults><checkPoint>a</checkPoint><checkpoint>a</checkpoint></p>',
    '<p hasMoreResults="false"><hasMoreResults>false</hasMoreResults></p>',
  ])('refuses a flag or token that stands twice: %s', (text) => {
    expect(decode(Buffer.from(text))).toMatchObject({
      error: { code: 'source.answer-malformed', message: expect.stringContaining('more than once') },
    })
  })
})
