import { describe, expect, it } from 'vitest'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage, type PageSettings } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'

type Settings = Omit<PageSettings, 'timeZone'>
const decode = (text: string, settings: Settings = {}) =>
  decodePage(decodeAnswer(text), { timeZone: 'UTC', ...settings })
const xml = (inner: string, settings?: Settings) =>
  decode(`<p><hasMoreResults>false</hasMoreResults>${inner}</p>`, settings)
const json = (inner: string, settings?: Settings) => decode(`{"hasMoreResults":false,${inner}}`, settings)
const at = (path: string, clientId = 'No'): Settings => ({ known: { path: path.split('.'), clientId } })
const byId = (clientId: string): Settings => ({ known: { clientId } })
const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })
const certain = (path: string) => ({ path: path.split('.'), isCertain: true })
const XML_SHOP = '<Magasin><Code>12</Code><Libelle>Lyon</Libelle></Magasin>'
const JSON_SHOP = '"Magasin":{"Code":12,"Libelle":"Lyon"}'
const none = { clients: [], place: undefined }

describe('an object beside an empty list', () => {
  it.each([
    ['an empty element', xml(`<Clients/>${XML_SHOP}`)],
    ['an empty array', json(`"Clients":[],${JSON_SHOP}`)],
    ['an empty array of the type name', json(`"InfoClient":[],${JSON_SHOP}`)],
    ['null', json('"Clients":null,"Stats":{"Total":0,"DureeMs":3}')],
    ['an empty array in a wrapper', json(`"Clients":{"$id":"2","$values":[]},${JSON_SHOP}`)],
    ['an empty array, if it is named like a client', json('"Clients":[],"ClientCourant":{"Code":12}')],
    ['an empty array, if it has the id', json(`"Clients":[],${JSON_SHOP}`, byId('Code'))],
  ])('is no client: %s', (_, page) => {
    expect(page).toMatchObject(none)
  })

  it('is no client beside a list with clients either', () => {
    expect(json(`"Clients":[{"No":1}],${JSON_SHOP}`)).toMatchObject({
      clients: [{ No: '1' }],
      place: certain('Clients'),
    })
    const wrapped = '<Clients><Client><No>1</No></Client><Client><No>2</No></Client></Clients>'
    expect(xml(`${wrapped}${XML_SHOP}`).clients).toEqual([{ No: '1' }, { No: '2' }])
  })

  it('may be the only client if the blank field need not be a list', () => {
    expect(xml('<Client><No>1</No><Nom>A</Nom></Client><Prefixe/>').place).toEqual({
      path: ['Client'],
      isCertain: false,
    })
    expect(xml('<Liste><Item><No>1</No></Item></Liste><Prefixe/>').place?.isCertain).toBe(false)
    expect(xml('<Liste><Item><No>1</No></Item></Liste><Message/>').place).toEqual(certain('Liste.Item'))
  })
})

describe('the only object of a page', () => {
  it('is uncertain, unless it has the id', () => {
    expect(xml(XML_SHOP).place).toEqual({ path: ['Magasin'], isCertain: false })
    expect(json(JSON_SHOP).place?.isCertain).toBe(false)
    expect(xml('<C><No>1</No><Nom/></C>', byId('No'))).toMatchObject({
      clients: [{ No: '1', Nom: '' }],
      place: certain('C'),
    })
    expect(xml(XML_SHOP, byId('No')).place?.isCertain).toBe(false)
  })

  it('is uncertain too where the configured field is missing', () => {
    expect(json(JSON_SHOP, { clientsField: 'Clients' }).place).toEqual({ path: ['Magasin'], isCertain: false })
    expect(json(`"Clients":[],${JSON_SHOP}`, { clientsField: 'Clients' })).toMatchObject(none)
  })
})

describe('a wrapper of the list', () => {
  const two = [{ No: '1' }, { No: '2' }]
  it.each([
    ['an attribute', xml('<Clients count="2"><Client><No>1</No></Client><Client><No>2</No></Client></Clients>')],
    ['fields', xml('<L><Total>2</Total><C><No>1</No></C><C><No>2</No></C><Debut/></L>')],
    ['fields, in JSON', json('"L":{"Total":2,"Clients":[{"No":1},{"No":2}],"Debut":null}')],
    ['$values', json('"L":{"$id":"2","$values":[{"$id":"3","No":1},{"$id":"4","No":2}]}')],
    ['$type', json('"L":{"$type":"List","Items":[{"No":1},{"No":2}]}')],
    ['its path configured', json('"L":{"$id":"2","$values":[{"No":1},{"No":2}]}', { clientsField: 'L' })],
    ['its attribute, configured', xml('<L n="2"><C><No>1</No></C><C><No>2</No></C></L>', { clientsField: 'L' })],
  ])('may have %s beside it', (_, { clients, place }) => {
    expect(clients).toEqual(two)
    expect(place?.isCertain).toBe(true)
  })

  it('may have a single client in $values, or beside an attribute where the id tells its level', () => {
    expect(json('"Clients":{"$id":"2","$values":[{"$id":"3","No":1}]}').clients).toEqual([{ No: '1' }])
    const single = '<Clients count="1"><Client><No>1</No></Client></Clients>'
    expect(xml(single, byId('No'))).toMatchObject({ clients: [{ No: '1' }], place: certain('Clients.Client') })
    expect(xml(single).place?.isCertain).toBe(false)
  })

  it('is a client if it has the id, whatever list it holds', () => {
    const client = json('"Client":{"No":1,"Cartes":[{"Num":1},{"Num":2}]}', byId('No'))
    expect(client).toMatchObject({ clients: [{ No: '1' }], place: certain('Client') })
  })

  it('that reports an error, also instead of clients, makes the page an error document (invariant 9)', () => {
    const error = failure('source.error-document', /Error/)
    expect(() => xml('<Clients><Error>Timeout</Error></Clients>')).toThrow(error)
    expect(() => xml('<Clients><Error><Code>500</Code></Error></Clients>')).toThrow(error)
    expect(() => json('"Clients":{"Error":{"Code":500}}', at('Clients.Client'))).toThrow(error)
    expect(() => json('"L":{"Items":[{"No":1}],"Error":"timeout"}')).toThrow(error)
  })
})

describe('where earlier pages had the clients', () => {
  it('one client keeps its level whatever its fields', () => {
    const one = '<Client><Identite><No>1</No></Identite></Client>'
    expect(xml(one, at('Client', 'Identite.No')).clients).toEqual([{ Identite: { No: '1' } }])
    expect(xml(one, byId('Identite.No')).clients).toEqual([{ Identite: { No: '1' } }])
    expect(xml(`<Clients n="1">${one}</Clients>`, at('Clients.Client')).clients).toEqual([{ Identite: { No: '1' } }])
    expect(json('"Clients":{"No":1}', at('Clients')).clients).toEqual([{ No: '1' }])
  })

  it.each([
    ['the list is absent', xml('', at('Clients.Client'))],
    ['the list is absent beside other objects', xml(XML_SHOP, at('Clients.Client'))],
    ['the wrapper is empty', xml(`<Clients/>${XML_SHOP}`, at('Clients.Client'))],
    ['the wrapper has only attributes', xml('<Clients count="0"/>', at('Clients.Client'))],
    ['another list is there', json('"Promotions":[{"Code":1},{"Code":2}]', at('Clients'))],
    ['the array is empty', json(`"Clients":[],${JSON_SHOP}`, at('Clients', 'Code'))],
    ['the wrapped array is empty', json('"Clients":{"$values":[]}', at('Clients.$values'))],
    ['the array has become an empty wrapper', json('"Clients":{"$values":[]}', at('Clients'))],
  ])('there are none when %s', (_, page) => {
    expect(page).toMatchObject(none)
  })

  it('is no longer true if objects elsewhere have the id, or the type name: source.mapping', () => {
    const elsewhere = failure('source.mapping', /not at Clients/)
    expect(() => json(JSON_SHOP, at('Clients', 'Code'))).toThrow(elsewhere)
    expect(() => json('"Liste":{"Items":[{"No":1}]}', at('Clients'))).toThrow(elsewhere)
    expect(() => xml('<Clients><Personne><No>1</No></Personne></Clients>', at('Clients.Client'))).toThrow(elsewhere)
    expect(() => xml('<L><InfoClient><Id>1</Id></InfoClient></L>', at('Clients.Client'))).toThrow(elsewhere)
  })

  it('must be there when hasMoreResults is true, and no text (invariant 9)', () => {
    const more = `{"hasMoreResults":true,"checkPoint":"t",${JSON_SHOP}}`
    expect(() => decode(more, at('Clients'))).toThrow(failure('source.answer-malformed', /no list of clients/))
    expect(() => json('"Clients":"DUPONT"', at('Clients.Client'))).toThrow(
      failure('source.answer-malformed', /^(?!.*DUPONT)/),
    )
  })
})

it('lists named InfoClient in two places are not guessed', () => {
  const two = '"A":{"InfoClient":[{"No":1}]},"B":{"InfoClient":[{"No":2}]}'
  expect(() => json(two)).toThrow(failure('source.mapping', /A\.InfoClient, B\.InfoClient/))
  expect(json(two, { clientsField: 'A' }).clients).toEqual([{ No: '1' }])
})

it('Invariant 8: only names of fields are shown, and only some', () => {
  const message = (inner: string, settings?: Settings) => {
    try {
      return String(json(inner, settings).clients.length)
    } catch (error) {
      return String(error)
    }
  }
  const lists = ['A', 'Jean Dupont', ...Array.from({ length: 1_000 }, (_, at) => `L${at}`)]
  const ambiguous = message(lists.map((name) => `"${name}":[{"No":1}]`).join(','))
  expect(ambiguous).toContain('(A, (not shown), L0, L1, L2, …)')
  expect(message('"Jean Dupont":[{"No":1}]', { clientsField: 'Clients' })).toMatch(/the page has \(not shown\)$/)
  expect(message('"Other":[{"No":1}]', at('Jean Dupont.Client'))).toContain('not at (not shown).Client as')
})

it('an object with the id beside a list without it is not chosen by chance', () => {
  expect(() => json('"Client":{"No":1},"Promotions":[{"Code":1}]', byId('No'))).toThrow(failure('source.mapping'))
})
