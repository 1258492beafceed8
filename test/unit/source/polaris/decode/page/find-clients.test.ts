import { describe, expect, test } from 'vitest'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage, type PageSettings } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'

type Settings = Omit<PageSettings, 'timeZone'>
const decode = (text: string, settings: Settings = {}) =>
  decodePage(decodeAnswer(text), { timeZone: 'UTC', ...settings })
const xml = (inner: string, settings?: Settings) =>
  decode(`<p><hasMoreResults>false</hasMoreResults>${inner}</p>`, settings)
const json = (inner: string, settings?: Settings) => decode(`{"hasMoreResults":false,${inner}}`, settings)
const at = (path: string): Settings => ({ known: { path: path.split('.'), isConfigured: true } })
const kept = (path: string): Settings => ({ known: { path: path.split('.'), isConfigured: false } })
const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })
const XML_SHOP = '<Magasin><Code>12</Code><Libelle>Lyon</Libelle></Magasin>'
const JSON_SHOP = '"Magasin":{"Code":12,"Libelle":"Lyon"}'
const none = { clients: [], path: undefined }
const two = [{ No: '1' }, { No: '2' }]

describe('the list of clients', () => {
  test.each([
    ['elements named InfoClient', xml('<L><InfoClient><No>1</No></InfoClient><InfoClient><No>2</No></InfoClient></L>')],
    ['an array', json('"Clients":[{"No":1},{"No":2}]')],
    ['an array beside another object', json(`"Clients":[{"No":1},{"No":2}],${JSON_SHOP}`)],
    ['repeated elements', xml(`<Clients n="2"><C><No>1</No></C><C><No>2</No></C><Debut/></Clients>${XML_SHOP}`)],
    ['an array in a wrapper of Json.NET', json('"L":{"$id":"2","$values":[{"$id":"3","No":1},{"$id":"4","No":2}]}')],
    ['in the items of lists on the way', json('"A":{"L":[{"C":{"No":1}},{"C":{"No":2}}]}', kept('A.L.C'))],
    ['the configured path', json('"A":[{"No":1},{"No":2}],"B":[{"No":3}]', at('A'))],
  ])('is %s', (_, { clients }) => {
    expect(clients).toEqual(two)
  })

  test('may have one client: in an InfoClient, an array, or at a known path', () => {
    const one = { clients: [{ No: '1' }] }
    expect(xml('<L><InfoClient><No>1</No></InfoClient></L>')).toMatchObject({ ...one, path: ['L', 'InfoClient'] })
    expect(json('"L":[{"No":1}]')).toMatchObject({ ...one, path: ['L'] })
    expect(xml('<L n="1"><C><No>1</No></C></L>', at('L.C'))).toMatchObject({ ...one, path: ['L', 'C'] })
    expect(json('"Clients":{"No":1}', at('Clients'))).toMatchObject(one)
  })

  test.each([
    ['an empty element', xml('<Clients/>')],
    ['an InfoClient that is nil', xml('<Clients><InfoClient xsi:nil="true"/></Clients>')],
    ['an empty array beside an object', json(`"Clients":[],${JSON_SHOP}`)],
    ['null', json('"Clients":null')],
    ['an empty array in a wrapper', json('"Clients":{"$id":"2","$values":[]}')],
    ['absent', json('"Total":0')],
    ['an empty wrapper, at a known path', xml(`<Clients/>${XML_SHOP}`, at('Clients.Client'))],
    ['a wrapper with attributes only, at a known path', xml('<Clients count="0"/>', at('Clients.Client'))],
  ])('is empty if it is %s', (_, page) => {
    expect(page).toMatchObject(none)
  })

  test.each([
    ['a single object', () => xml(XML_SHOP), /: they may be at Magasin;/],
    [
      'a single element in a wrapper',
      () => xml('<Clients><Client><No>1</No></Client></Clients>'),
      /may be at Clients\.Client;/,
    ],
    [
      'a single object elsewhere than at a known path',
      () => xml(XML_SHOP, at('Clients.Client')),
      /no list at Clients\.Client; they may be at Magasin;/,
    ],
    [
      'a single object in the wrapper of a known path',
      () => xml('<Clients n="1"><C><No>1</No></C></Clients>', at('Clients.Client')),
      /may be at Clients\.C;/,
    ],
    ['a list beside an empty one', () => json('"Clients":[],"Messages":[{"No":1}]'), /at Messages or Clients;/],
    ['a list beside an empty one in a wrapper', () => json('"L":{"Items":[]},"M":[{"No":1}]'), /at M or L\.Items;/],
    [
      'a list beside an empty element called after clients',
      () => json('"Clients":null,"M":[{"No":1}]'),
      /M or Clients;/,
    ],
    ['an object beside an empty element', () => xml(`<Message/>${XML_SHOP}`), /at Magasin;/],
    [
      'an object beside an empty list that is not called after clients',
      () => json(`"L":[],${JSON_SHOP}`),
      /L or Magasin;/,
    ],
    ['two lists', () => json('"Client":[{"No":1}],"Promotions":[{"Code":1}]'), /at Client or Promotions;/],
    ['another list beside a kept one', () => json('"C":[],"P":[{"Code":1}]', kept('C')), /at C or P;/],
    [
      'two lists named InfoClient',
      () => json('"A":{"InfoClient":[{"No":1}]},"B":{"InfoClient":[{"No":2}]}'),
      /A\.InfoClient or B\.InfoClient;/,
    ],
    [
      'a list elsewhere',
      () => json('"L":{"Items":[{"No":1}]}', at('Clients')),
      /no list at Clients; they may be at L\.Items;/,
    ],
    [
      'an InfoClient elsewhere',
      () => xml('<L><InfoClient><Id>1</Id></InfoClient></L>', at('C.C')),
      /at L\.InfoClient;/,
    ],
    ['a list of lists', () => json('"R":[["1","a"]]'), /at R;/],
    ['a client as a text', () => json('"C":"{\\"No\\":1}"'), /at C;/],
  ])('is not guessed from %s: source.mapping', (_, read, names) => {
    expect(read).toThrow(failure('source.mapping', names))
    expect(read).toThrow(/set POLARIS_CLIENTS_FIELD/)
  })

  test.each([
    ['an empty element', xml('<Liste/><M><No>1</No></M><M><No>2</No></M>')],
    ['a nil element', xml('<Liste xsi:nil="true"/><M><No>1</No></M><M><No>2</No></M>')],
    ['an empty element in the wrapper', xml('<L><Liste/><M><No>1</No></M><M><No>2</No></M></L>')],
    ['null', json('"Liste":null,"M":[{"No":1},{"No":2}]')],
  ])('is read, but its path is not kept, beside %s, which could be the list of clients', (_, page) => {
    expect(page).toMatchObject({ clients: two, path: undefined })
  })

  test('has a path that is kept beside flag, token, status fields and elements with content', () => {
    const list = '<M><No>1</No></M><M><No>2</No></M>'
    const settings = { statusFields: ['Message'] }
    expect(xml(`<checkPoint/><Message/><Total>2</Total>${list}`, settings)).toMatchObject({ clients: two, path: ['M'] })
    expect(xml('<Message><Texte>x</Texte></Message>', { ...settings, ...at('M') })).toMatchObject(none)
    const named = '<L><InfoClient><No>1</No></InfoClient></L><Autre/>'
    expect(xml(named)).toMatchObject({ path: ['L', 'InfoClient'] })
  })

  test('Invariant 9: with an error beside it in its wrapper makes the page an error document', () => {
    expect(() => json('"L":{"Items":[{"No":1}],"Error":"timeout"}')).toThrow(failure('source.error-document', /Error/))
  })

  test('Invariant 8: only names of fields are shown, and only some', () => {
    const message = (inner: string, settings?: Settings) => {
      try {
        return String(json(inner, settings).clients.length)
      } catch (error) {
        return String(error)
      }
    }
    const lists = ['A', 'Jean Dupont', ...Array.from({ length: 1_000 }, (_, number) => `L${number}`)]
    const ambiguous = message(lists.map((name) => `"${name}":[{"No":1}]`).join(','))
    expect(ambiguous).toContain('at A or (not shown) or L0 or L1 or L2;')
    expect(message('"Jean Dupont":{"No":1}')).toContain('at (not shown);')
  })
})
