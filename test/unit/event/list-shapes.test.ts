import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { listShaper, newLists } from '../../../connector/event/list-shapes.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../connector/source/polaris/decode/page/decode-page.ts'

// XML and JSON are decoded as in the product, and their clients are compared.

const decoded = (text: string) => decodePage(decodeAnswer(text), { timeZone: 'Europe/Paris' }).clients
const page = (clients: string) => decoded(`<P><Clients>${clients}</Clients><hasMoreResults>false</hasMoreResults></P>`)
const client = (fields: string) => page(`<InfoClient><No>1</No>${fields}</InfoClient>`)[0] ?? {}
const cartes = (xml: string) => listShaper(['Cartes.Carte'])(client(xml)).Cartes
const tel = (xml: string) => listShaper(['tel'])(client(xml)).Tel

describe('an element that is a list', () => {
  test('is empty where it or an element around it is empty, and absent where that is absent or nil', () => {
    for (const empty of ['<Cartes/>', '<Cartes>\n</Cartes>', '<Cartes><Carte/></Cartes>'])
      expect(cartes(empty)).toEqual({ Carte: [] })
    expect(tel('<Tel/>')).toEqual([])
    expect(tel('<Tel/><Tel>1</Tel>')).toEqual(['', '1'])
    expect(cartes('')).toBeUndefined()
    expect(cartes('<Cartes xsi:nil="true"/>')).toBeUndefined()
    expect(cartes('<Cartes><Total>0</Total></Cartes>')).toEqual({ Total: '0' })
  })

  test('may be in the items of another list, and several levels below an empty element', () => {
    const inner = listShaper(['A.T', 'L', 'L.T', 'X.Y.Z'])
    expect(inner({ A: { T: '1' }, B: '2' })).toEqual({ A: { T: ['1'] }, B: '2' })
    expect(inner({ L: { T: { x: '1' }, N: 'a' } })).toEqual({ L: [{ T: [{ x: '1' }], N: 'a' }] })
    expect(inner({ L: ['', { T: '' }, 'text', [{ T: '1' }]] })).toEqual({
      L: [{ T: [] }, { T: [] }, 'text', [{ T: ['1'] }]],
    })
    expect(inner({ X: '' })).toEqual({ X: { Y: { Z: [] } } })
    const built = JSON.parse('{"__proto__":{"x":"1"},"L":"2"}') as ClientRecord
    expect(JSON.stringify(inner(built))).toBe('{"__proto__":{"x":"1"},"L":["2"]}')
  })
})

test('a list may have a name of the prototype', () => {
  const inShape = listShaper(['__proto__', 'b'])
  const client = JSON.parse('{"__proto__":"1","a":"2","b":"3"}')
  expect(JSON.stringify(inShape(client))).toBe('{"__proto__":["1"],"a":"2","b":["3"]}')
})

test('a client with all its lists is not copied', () => {
  const client = { L: [{ T: ['1'] }, { T: [] }], X: { Y: { Z: [] } } }
  expect(listShaper(['L', 'L.T', 'X.Y.Z'])(client)).toBe(client)
})

describe('the lists of clients', () => {
  test('are the elements that one of the clients repeats; nil ones do not count', () => {
    const one = client('<Cartes><Carte><No>1</No><Tels><Tel>1</Tel><Tel>2</Tel></Tels></Carte></Cartes>')
    const two = client('<Cartes><Carte/><Carte><No>2</No></Carte></Cartes><Ref>a</Ref><Ref>b</Ref>')
    expect(newLists([one, two], [])).toEqual(['Cartes.Carte.Tels.Tel', 'Cartes.Carte', 'Ref'])
    expect(newLists([one, two], ['cartes.carte', 'REF'])).toEqual(['Cartes.Carte.Tels.Tel'])
    const adresse = client('<Adresse><Ligne>1</Ligne><Ligne xsi:nil="true"/><Ville xsi:nil="true"/></Adresse>')
    expect(adresse.Adresse).toEqual({ Ligne: '1' })
    expect(newLists([adresse], [])).toEqual([])
  })

  test('have names that can be configured: none that could be data (invariant 8) or has a dot; and are not too many for a checkpoint', () => {
    const names = { 'zoe@exemple.example': ['1'], '33123456789': [], A: { 'é è': ['x'] }, 'A.b': ['1', '2'] }
    expect(newLists([names], [])).toEqual([])
    expect(newLists([{ Téléphone: { Numéro: ['1', '2'] } }], [])).toEqual(['Téléphone.Numéro'])
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`Liste${at}`, ['x']]))
    expect(newLists([many], ['Cartes'])).toHaveLength(99)
  })
})

test('XML and JSON of the same shape give byte-equal clients, whatever the number of items', () => {
  const xml = [
    client('<Tel>1</Tel><Tel>2</Tel><Cartes/>'),
    client('<Tel>3</Tel><Cartes><Carte><T>a</T><L><I>b</I></L></Carte></Cartes>'),
    client('<Cartes><Carte><T>c</T><L/></Carte><Carte><L><I>d</I><I>e</I></L></Carte></Cartes>'),
  ]
  const fields = [
    { Tel: ['1', '2'], Cartes: { Carte: [] } },
    { Tel: ['3'], Cartes: { Carte: [{ T: 'a', L: { I: ['b'] } }] } },
    {
      Tel: null,
      Cartes: { Carte: [{ T: 'c', L: { I: [] } }, { L: { $id: '1', I: { $id: '2', $values: ['d', 'e'] } } }] },
    },
  ]
  const clients = fields.map((one) => ({ No: 1, ...one }))
  const json = decoded(JSON.stringify({ InfoClient: clients, hasMoreResults: false }))
  const lists = newLists(xml, [])
  expect(lists).toEqual(['Tel', 'Cartes.Carte', 'Cartes.Carte.L.I'])
  const inShape = (one: ClientRecord) => canonicalJson(listShaper(lists)(one))
  expect(xml.map(inShape)).toEqual(json.map(canonicalJson))
  expect(xml.map(canonicalJson)).not.toEqual(json.map(canonicalJson))
})
