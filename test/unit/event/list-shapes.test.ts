import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { listShaper, newLists } from '../../../connector/event/list-shapes.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../connector/source/polaris/decode/page/decode-page.ts'

const decoded = (text: string) => decodePage(decodeAnswer(text), { timeZone: 'Europe/Paris' }).clients
const page = (clients: string) => decoded(`<P><Clients>${clients}</Clients><hasMoreResults>false</hasMoreResults></P>`)
const client = (fields: string) => page(`<InfoClient><No>1</No>${fields}</InfoClient>`)[0] ?? {}
const cartes = (xml: string) => listShaper(['cartes'])(client(xml)).Cartes

describe('a field that is a list', () => {
  test('has its items, without the names of wrapper and items', () => {
    expect(cartes('<Cartes><Carte><No>1</No><T>a</T></Carte></Cartes>')).toEqual([{ No: '1', T: 'a' }])
    expect(cartes('<Cartes><Carte>1</Carte><Carte>2</Carte></Cartes>')).toEqual(['1', '2'])
    expect(cartes('<Cartes><Carte>1</Carte></Cartes>')).toEqual(['1'])
    expect(cartes('<Cartes/>')).toEqual([])
    expect(cartes('<Cartes>\n</Cartes>')).toEqual([])
    expect(cartes('<Cartes xsi:nil="true"/>')).toBeUndefined()
    expect(cartes('')).toBeUndefined()
  })

  test('has them without a wrapper too', () => {
    expect(cartes('<Cartes>1</Cartes>')).toEqual(['1'])
    expect(cartes('<Cartes>1</Cartes><Nom/><Cartes>2</Cartes>')).toEqual(['1', '2'])
    expect(cartes('<Cartes><No>1</No><T>a</T></Cartes>')).toEqual([{ No: '1', T: 'a' }])
  })

  test('may be in an object, or in the items of another list', () => {
    const inner = listShaper(['A.T', 'L', 'L.T'])
    expect(inner({ A: { T: '1' }, B: '2' })).toEqual({ A: { T: ['1'] }, B: '2' })
    expect(inner({ L: { I: { T: { x: '1' }, N: 'a' } } })).toEqual({ L: [{ T: ['1'], N: 'a' }] })
    const built = JSON.parse('{"__proto__":{"x":"1"},"L":"2"}') as ClientRecord
    expect(JSON.stringify(inner(built))).toBe('{"__proto__":{"x":"1"},"L":["2"]}')
  })
})

describe('the lists of clients', () => {
  test('are the fields that one of the clients repeats', () => {
    const one = client('<Cartes><Carte><No>1</No><Tels><Tel>1</Tel><Tel>2</Tel></Tels></Carte></Cartes>')
    const two = client('<Cartes><Carte/><Carte><No>2</No></Carte></Cartes><Ref>a</Ref><Ref>b</Ref>')
    expect(newLists([one, two], [])).toEqual(['Cartes.Carte.Tels', 'Cartes', 'Ref'])
    expect(newLists([one, two], ['cartes', 'REF'])).toEqual(['Cartes.Tels'])
    expect(newLists([client('<Cartes><Carte>1</Carte></Cartes>')], [])).toEqual([])
  })

  test('have no names that could be data (invariant 8), and are not too many for a checkpoint', () => {
    expect(newLists([{ 'zoe@exemple.example': ['1'], '33123456789': [], A: { 'é è': ['x'] } }], [])).toEqual([])
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`Liste${at}`, ['x']]))
    expect(newLists([many], ['Cartes'])).toHaveLength(99)
  })
})

test('XML and JSON give byte-equal clients, with the same lists', () => {
  const xml = [
    client('<Tel>1</Tel><Tel>2</Tel><Cartes/>'),
    client('<Tel>3</Tel><Cartes><Carte><T>a</T><L><I>b</I></L></Carte></Cartes>'),
    client('<Cartes><Carte><T>c</T><L/></Carte><Carte><L><I>d</I><I>e</I></L></Carte></Cartes>'),
  ]
  const fields = [
    { Tel: ['1', '2'], Cartes: [] },
    { Tel: ['3'], Cartes: [{ T: 'a', L: ['b'] }] },
    { Tel: null, Cartes: [{ T: 'c', L: [] }, { L: ['d', 'e'] }] },
  ]
  const clients = fields.map((one) => ({ No: 1, ...one }))
  const json = decoded(JSON.stringify({ InfoClient: clients, hasMoreResults: false }))
  const lists = newLists(xml, [])
  expect(lists).toEqual(['Tel', 'Cartes', 'Cartes.L'])
  expect(newLists(json, []).toSorted()).toEqual(lists.toSorted())
  const inShape = (one: ClientRecord) => canonicalJson(listShaper(lists)(one))
  expect(xml.map(inShape)).toEqual(json.map(inShape))
  expect(xml.map(canonicalJson)).not.toEqual(json.map(canonicalJson))
})
