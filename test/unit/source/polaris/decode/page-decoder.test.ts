import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecodeSettings } from '../../../../../connector/source/polaris/decode/decode-xml.ts'
import { pageDecoder } from '../../../../../connector/source/polaris/decode/page-decoder.ts'
import { decodeAnswer, decodedBody, wholePage } from '../../../../support/decode-answer-body.ts'

const settings = (clientsField?: string): DecodeSettings => ({
  timeZone: 'Europe/Paris',
  clientsField,
})

const XML =
  '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<p xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t&amp;1 </checkPoint><l>' +
  '<InfoClient a="é"><No>1</No><Cartes><C><No>1</No><Tels>06</Tels></C></Cartes><D xsi:nil="true"/><E><![CDATA[<€]]></E></InfoClient>' +
  '<InfoClient><No>2</No><Cartes/><A><V>&#xD83D;&#xDE00;</V><T>1</T><T>2</T></A><M>\n😀</M></InfoClient><InfoClient/></l></p>'
const JSON_PAGE =
  ' {"d":{"hasMoreResults":true,"checkPoint":"t\\u0026\\\\","l":[{"No":12.50,"Cartes":["1"],"D":null,"E":"\\/Date(0)\\/"},' +
  '{"F":{"é":[[true],{}]},"s":"]}\\\\\\"😀","Cartes":{"C":[{"No":1e5,"Tels":"06"}]}},{}, null ],"o":[1,"[{",[]]}}'

/** The text as bytes, cut at these positions. */
function chunks(text: string, cuts: readonly number[]): Buffer[] {
  const body = Buffer.from(text)
  const ends = [...cuts.map((cut) => cut % body.length), body.length].sort((one, other) => one - other)
  return ends.map((end, at) => body.subarray(ends[at - 1] ?? 0, end))
}

describe('pageDecoder', () => {
  it.each([
    ['xml', XML],
    ['json', JSON_PAGE],
  ] as const)('decodes a page in %s equally in whatever chunks it arrives', async (format, text) => {
    const content = wholePage(decodeAnswer(text.replace('\ufeff', ''), settings()), {})
    expect(content.clients.length).toBeGreaterThan(2)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2000), { maxLength: 20 }), async (cuts) => {
        expect(await decodedBody(chunks(text, cuts), undefined, settings())).toEqual({ kind: 'page', content, format })
      }),
    )
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
    expect(await decodedBody(bytes, undefined, settings())).toEqual({ kind: 'page', content, format })
  })

  it('decodes clients equally while the page arrives and at its end', async () => {
    const [early, late] = await Promise.all(
      [undefined, 'l'].map((field) => decodedBody([Buffer.from(XML)], undefined, settings(field))),
    )
    expect(early).toEqual(late)
  })

  it.each([
    '<p><hasMoreResults>false</hasMoreResults><InfoClient><No>1</No></InfoClient></p>',
    '<p><hasMoreResults>false</hasMoreResults><a><b><InfoClient><No>1</No></InfoClient></b></a></p>',
    '<e><r><p><hasMoreResults>false</hasMoreResults><a><b><InfoClient><No>1</No></InfoClient></b></a></p></r></e>',
    '<InfoClient><hasMoreResults>false</hasMoreResults><l><InfoClient><No>1</No></InfoClient></l></InfoClient>',
    '<r><InfoClient><hasMoreResults>false</hasMoreResults><InfoClient><No>1</No></InfoClient></InfoClient></r>',
  ])('finds the clients at any depth at which a page can have them: %s', (text) => {
    expect(wholePage(decodeAnswer(text, settings()), {}).clients).toEqual([{ No: '1' }])
  })

  it('reports a page that ends after any byte as truncated, in whatever chunks (invariant 9)', async () => {
    for (const text of [XML, JSON_PAGE.trim()]) {
      const body = Buffer.from(text)
      for (let length = 4; length < body.length; length += 1) {
        const halves = [body.subarray(0, length >> 1), body.subarray(length >> 1, length)]
        expect(await decodedBody(halves, undefined, settings()), body.toString('utf8', 0, length)).toMatchObject({
          error: { code: 'source.answer-truncated' },
        })
      }
    }
  })

  it('lets other work run while it decodes a large chunk, and when it builds the clients at the end', async () => {
    const client = '<InfoClient><No>1</No><Nom>x</Nom></InfoClient>'
    const body = Buffer.from(`<p><hasMoreResults>0</hasMoreResults><l>${client.repeat(60_000)}</l></p>`)
    const decoder = pageDecoder(undefined, settings('l'))
    const turns = { writing: 0, ending: 0 }
    const count = async (phase: keyof typeof turns, work: Promise<unknown>) => {
      let isDone = false
      const done = work.finally(() => {
        isDone = true
      })
      const turn = () => {
        if (isDone) return
        turns[phase] += 1
        setImmediate(turn)
      }
      turn()
      await done
    }
    await count('writing', decoder.write(body))
    await count('ending', decoder.end())
    expect(turns.writing).toBeGreaterThan(5)
    expect(turns.ending).toBeGreaterThan(5)
  })

  it.each([
    ['in JSON', '{"hasMoreResults":false,"Clients":[{"No":"1","Nom":"é😀"}]}'],
    ['in XML', '<p><hasMoreResults>false</hasMoreResults><InfoClient><No>1</No><Nom>é😀</Nom></InfoClient></p>'],
  ])('decodes UTF-8 %s, whatever charset the header claims', async (_, text) => {
    for (const charset of ['utf-8', 'iso-8859-1', 'windows-1252', 'us-ascii']) {
      const chunks = [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
      expect(await decodedBody(chunks, `application/json; charset=${charset}`, settings())).toMatchObject({
        content: { clients: [{ No: '1', Nom: 'é😀' }] },
      })
    }
  })

  it.each([
    ['in JSON', '{"hasMoreResults":false,"Clients":[{"Nom":"Zo\xe9","N":1.50}]}'],
    ['in XML', '<p><hasMoreResults>false</hasMoreResults><InfoClient><Nom>Zo\xe9</Nom><N>1.50</N></InfoClient></p>'],
  ])('decodes the charset of the header %s when the bytes are not UTF-8', async (_, text) => {
    const body = [Buffer.from(text, 'latin1')]
    expect(await decodedBody(body, 'text/plain; charset=iso-8859-1', settings())).toMatchObject({
      content: { clients: [{ Nom: 'Zoé', N: '1.50' }] },
    })
    expect(await decodedBody(body, undefined, settings())).toMatchObject({ error: { code: 'source.answer-malformed' } })
  })

  it('decodes JSON in UTF-16', async () => {
    const text = '\ufeff{"hasMoreResults":false,"Clients":[{"Nom":"Zoé","N":1.50}]}'
    expect(await decodedBody([Buffer.from(text, 'utf16le')], undefined, settings())).toMatchObject({
      content: { clients: [{ Nom: 'Zoé', N: '1.50' }] },
    })
  })

  it.each(['', ' ', ' '.repeat(300), ' '.repeat(100_000)])('refuses a blank body', async (text) => {
    const chunks = text.match(/.{1,100}/g)?.map((part) => Buffer.from(part)) ?? []
    expect(await decodedBody(chunks, undefined, settings())).toMatchObject({
      error: { code: 'source.answer-not-a-page' },
    })
  })

  it('skips white space before a document', async () => {
    const text = `${' \n'.repeat(500)}{"hasMoreResults":false,"Clients":[]}`
    expect(await decodedBody([Buffer.from(text)], undefined, settings())).toMatchObject({ kind: 'page' })
    const single = [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
    expect(await decodedBody(single, undefined, settings())).toMatchObject({ kind: 'page' })
  })
})
