import { describe, expect, test } from 'vitest'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'

const decode = (text: string, clientsField?: string) =>
  decodePage(decodeAnswer(text), {
    timeZone: 'UTC',
    known: clientsField === undefined ? undefined : { path: clientsField.split('.'), isConfigured: true },
  })
const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('decodePage: hasMoreResults and checkPoint', () => {
  test.each([
    [
      'XML of XmlSerializer',
      '<FragmentedInfoClient xmlns:xsi="x"><hasMoreResults>true</hasMoreResults><checkPoint>t</checkPoint><clients /></FragmentedInfoClient>',
    ],
    [
      'XML of DataContractSerializer',
      '<Client.FragmentedInfoClient xmlns:i="y" xmlns="z"><HasMoreResults>true</HasMoreResults><CheckPoint>t</CheckPoint><Clients i:nil="true"/></Client.FragmentedInfoClient>',
    ],
    [
      'XML with prefixes',
      '<a:x xmlns:a="u"><a:HASMORERESULTS>True</a:HASMORERESULTS><a:checkpoint>t</a:checkpoint><a:l></a:l></a:x>',
    ],
    ['XML attributes', '<p hasMoreResults="1" checkpoint="t"><l/></p>'],
    [
      'XML with wrappers',
      '<Envelope><Body><Result><hasMoreResults> true </hasMoreResults><checkPoint>t</checkPoint><l> </l></Result></Body></Envelope>',
    ],
    ['JSON', '{"hasMoreResults":true,"checkpoint":"t","l":[]}'],
    ['JSON under d', '{"d":{"__type":"x","HasMoreResults":true,"CheckPoint":"t","l":null}}'],
    ['JSON under a type name', '{"FragmentedInfoClient":{"hasMoreResults":1,"checkPoint":"t","l":[]}}'],
    ['JSON with hasMoreResults as a string', '{"hasMoreResults":"True","checkPoint":"t","l":{}}'],
  ])('are found in %s', (_, text) => {
    expect(decode(text)).toMatchObject({ clients: [], hasMoreResults: true, checkPoint: 't', replacedCharacters: 0 })
  })

  test.each(['false', 'False', 'FALSE', '0'])('reads %s as the last page', (flag) => {
    expect(decode(`<p><hasMoreResults>${flag}</hasMoreResults></p>`).hasMoreResults).toBe(false)
  })

  test.each([
    '<p><hasMoreResults/><checkPoint>t</checkPoint></p>',
    '<p><InfoClient><No>1</No></InfoClient></p>',
    '{"checkPoint":"t","Clients":[]}',
    '{"hasMoreResults":null}',
    '[{"No":1}]',
  ])('rejects a page without a valid hasMoreResults: %s', (text) => {
    expect(() => decode(text)).toThrow(failure('source.answer-malformed', /hasMoreResults/))
  })

  test('distinguishes error documents from other documents without a page', () => {
    expect(() => decode('<Info><Version>7</Version></Info>')).toThrow(failure('source.answer-malformed'))
    expect(() => decode('{}')).toThrow(failure('source.answer-malformed'))
    expect(() => decode('<Exception><Text>x</Text></Exception>')).toThrow(failure('source.error-document'))
    expect(() => decode('<r><Erreur>x</Erreur></r>')).toThrow(failure('source.error-document'))
    expect(() => decode('<string>x</string>')).toThrow(failure('source.error-document'))
    expect(() => decode('"x"')).toThrow(failure('source.error-document'))
  })
})

describe('decodePage: checkPoint', () => {
  const token = (xml: string) => decode(`<p><hasMoreResults>false</hasMoreResults>${xml}</p>`).checkPoint

  test('is kept verbatim, including white space (invariant 5)', () => {
    expect(token('<checkPoint> a &lt;b&gt;\n=</checkPoint>')).toBe(' a <b>\n=')
    expect(decode('{"hasMoreResults":false,"checkPoint":12345678901234567890}').checkPoint).toBe('12345678901234567890')
    expect(decode('{"hasMoreResults":false,"checkPoint":1.50}').checkPoint).toBe('1.50')
    expect(token('<checkPoint>0001-01-01T00:00:00</checkPoint>')).toBe('0001-01-01T00:00:00')
  })

  test('is null when it is absent, nil or empty', () => {
    expect(['', '<checkPoint/>', '<checkPoint xsi:nil="true"/>'].map(token)).toEqual([null, null, null])
    expect(decode('{"hasMoreResults":false,"checkPoint":null}').checkPoint).toBeNull()
  })

  test('may be missing where more is promised: the scan says that it is stuck', () => {
    const page = decode('<p><InfoClient><No>1</No></InfoClient><hasMoreResults>true</hasMoreResults></p>')
    expect(page).toMatchObject({ hasMoreResults: true, checkPoint: null })
  })

  test('is rejected when it contains a character that XML forbids, which could not be sent back (invariant 5)', () => {
    for (const reference of ['&#x0;', '&#xD83D;'])
      expect(() => token(`<checkPoint>a${reference}</checkPoint>`)).toThrow(
        failure('source.answer-malformed', /checkPoint/),
      )
    expect(token('<checkPoint>a\ufffd&#xD83D;&#xDE00;</checkPoint>')).toBe('a\ufffd😀')
  })

  test('is rejected when it is not text or cannot be sent back', () => {
    expect(() => decode('{"hasMoreResults":false,"checkPoint":{}}')).toThrow(failure('source.answer-malformed'))
  })
})

describe('decodePage: the clients', () => {
  const xml = (inner: string, field?: string) =>
    decode(`<p><hasMoreResults>false</hasMoreResults>${inner}</p>`, field).clients
  const json = (inner: string, field?: string) => decode(`{"hasMoreResults":false,${inner}}`, field).clients

  test.each([
    '<p><hasMoreResults>true</hasMoreResults><checkPoint>t</checkPoint><Total>0</Total></p>',
    '{"hasMoreResults":true,"checkPoint":"t","Total":0,"Tags":["a"]}',
    '{"d":{"hasMoreResults":true,"checkPoint":"t"}}',
  ])('must have a list when hasMoreResults is true: %s (invariant 9)', (text) => {
    expect(() => decode(text)).toThrow(failure('source.answer-malformed', /no list of clients/))
    expect(() => decode(text, 'Clients')).toThrow(failure('source.answer-malformed', /no list of clients/))
    expect(decode(text.replace('true', 'false')).clients).toEqual([])
  })

  test('are rejected when an item is not a client', () => {
    expect(() => json('"Clients":[{"No":1},"DUPONT"]')).toThrow(
      failure('source.answer-malformed', /^(?!.*DUPONT).*item 2/),
    )
    expect(() => json('"Clients":"DUPONT"', 'Clients')).toThrow(failure('source.answer-malformed', /^(?!.*DUPONT)/))
    expect(() => json('"Clients":[[1]]', 'Clients')).toThrow(failure('source.answer-malformed'))
  })

  test('include empty clients, so that each one is counted', () => {
    expect(json('"Clients":[{"No":1},{},null]')).toEqual([{ No: '1' }, {}, {}])
    expect(xml('<Clients><InfoClient><No>1</No></InfoClient><InfoClient/></Clients>')).toEqual([{ No: '1' }, {}])
  })
})
