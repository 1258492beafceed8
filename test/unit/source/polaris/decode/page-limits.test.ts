import { describe, expect, test } from 'vitest'
import { decodeAnswer } from '../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../../../connector/source/polaris/decode/page/decode-page.ts'

// Each page is just below or above a limit.

const clientsIn = (text: string) => decodePage(decodeAnswer(text), { timeZone: 'Europe/Paris' }).clients
const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })
const tooMuch = failure('source.answer-too-large', /more than 500000 fields and items/)

const json = (clients: string) => `{"hasMoreResults":false,"Clients":[${clients}]}`
const xml = (clients: string) => `<p><hasMoreResults>false</hasMoreResults><Clients>${clients}</Clients></p>`

describe('a page', () => {
  test.each([
    ['json', json('{},'.repeat(2_000).slice(0, -1)), json('{},'.repeat(2_001).slice(0, -1))],
    ['xml', xml('<InfoClient/>'.repeat(2_000)), xml('<InfoClient/>'.repeat(2_001))],
  ])('in %s with more than 2,000 clients shows that the server ignores the limit', (_, allowed, more) => {
    expect(clientsIn(allowed)).toHaveLength(2_000)
    expect(() => clientsIn(more)).toThrow(failure('source.answer-too-large', /2001 clients.*ignores the limit/))
  })

  test.each([
    ['items', json(`{"a":[${'1.5,'.repeat(500_000)}1]}`)],
    ['lists', json(`{"a":[${'[],'.repeat(250_000)}[]]}`)],
    ['fields', json(`{${Array.from({ length: 250_001 }, (_, at) => `"${at}":1`).join(',')}}`)],
    ['elements', xml(`<C>${'<a/>'.repeat(500_001)}</C>`)],
    ['attributes', xml(`<C ${Array.from({ length: 500_001 }, (_, at) => `a${at}=""`).join(' ')}/>`)],
    ['references', xml(`<C>${'&lt;'.repeat(500_001)}</C>`)],
    ['CDATA sections', xml(`<C>${'<![CDATA[a]]>'.repeat(500_001)}</C>`)],
  ])('is too large with too many %s', (_, text) => {
    expect(() => clientsIn(text)).toThrow(tooMuch)
  })

  test('may have any text: what looks like structure does not count in it', () => {
    const text = '[{,:\\"\\\\'.repeat(200_000)
    expect(clientsIn(json(`{"No":"1","a":"${text}"}`))[0]?.a).toHaveLength(1_200_000)
  })
})
