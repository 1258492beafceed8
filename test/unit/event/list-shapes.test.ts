import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { indexRulesWithLists } from '../../../connector/event/configured-events.ts'
import { listShaper, listsInForce, newLists } from '../../../connector/event/list-shapes.ts'
import { clientReader, contentUnder } from '../../../connector/event/read-client.ts'
import { rulesOf, rulesText } from '../../../connector/index/client-index.ts'
import type { ClientRecord, ClientValue } from '../../../connector/source/client-source.ts'
import { decodeAnswer } from '../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../connector/source/polaris/decode/page/decode-page.ts'

const timeZone = 'Europe/Paris'
const page = (clients: string) =>
  decodePage(decodeAnswer(`<P><Clients>${clients}</Clients><hasMoreResults>false</hasMoreResults></P>`), { timeZone })
    .clients
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

  test('stays the same when it has its shape already', () => {
    const shape = listShaper(['Cartes', 'Cartes.Tels'])
    for (const value of ['', 'x', [], ['x'], [{ Tels: 'y' }], { a: '1', b: '2' }, { Carte: { Tels: ['z'] } }]) {
      const once = shape({ Cartes: value })
      expect(shape(once)).toEqual(once)
    }
  })
})

describe('the lists of clients', () => {
  test('are found by their items, whatever the order of the clients', () => {
    const one = client('<Cartes><Carte><No>1</No><Tels><Tel>1</Tel><Tel>2</Tel></Tels></Carte></Cartes>')
    const two = client('<Cartes><Carte/><Carte><No>2</No></Carte></Cartes><Ref>a</Ref><Ref>b</Ref>')
    expect(newLists([one, two], [])).toEqual(['Cartes.Carte.Tels', 'Cartes', 'Ref', 'Cartes.Tels'])
    expect(newLists([two, one], [])).toEqual(['Cartes', 'Ref', 'Cartes.Carte.Tels', 'Cartes.Tels'])
    expect(newLists([one, two], ['cartes', 'REF'])).toEqual(['Cartes.Tels'])
    expect(newLists([client('<Cartes><Carte>1</Carte></Cartes>')], [])).toEqual([])
  })

  test('have no names that could be data (invariant 8)', () => {
    const map = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`Client${at}`, ['x']]))
    expect(newLists([{ Points: map, 'zoe@exemple.example': ['1'], '33123456789': [] }], [])).toEqual([])
    expect(newLists([{ A: { B: { C: { D: { E: ['x'] } } } } }], [])).toEqual([])
  })

  test('in force are the configured and the settled ones, each once', () => {
    expect(listsInForce(['Cartes', 'a'], null)).toEqual(['Cartes', 'a'])
    expect(listsInForce(['cartes'], ['Cartes', 'Ref'])).toEqual(['Cartes', 'Ref'])
  })
})

describe('XML and JSON', () => {
  const read = (output: 'xml' | 'json') =>
    decodePage(decodeAnswer(readFileSync(new URL(`../../fixtures/events/lists.${output}`, import.meta.url), 'utf8')), {
      timeZone,
    }).clients

  test('give byte-equal clients, with the same lists', () => {
    const [xml, json] = [read('xml'), read('json')]
    const lists = newLists(xml, [])
    expect(lists.toSorted()).toEqual(newLists(json, []).toSorted())
    expect(lists).toEqual(['Telephone', 'Adresse.Points', 'Cartes', 'Cartes.Avantages'])
    const inShape = (client: ClientRecord) => canonicalJson(listShaper(lists)(client))
    expect(xml.map(inShape)).toEqual(json.map(inShape))
    expect(xml.map(canonicalJson)).not.toEqual(json.map(canonicalJson))
  })
})

describe('the content of a client', () => {
  const mapping = { clientId: 'No', modifiedAt: null }
  const contentWith = (lists: readonly string[], record: ClientRecord) =>
    clientReader(mapping, { timeZone, ignored: new Set(), lists, fields: undefined })(record).content
  const value = fc.letrec<{ value: ClientValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('', 'x', ' '),
      fc.dictionary(fc.constantFrom('a', 'b', 'Carte'), tie('value'), { maxKeys: 2, noNullPrototype: true }),
      fc.array(tie('value'), { maxLength: 2 }),
    ),
  })).value

  test('is that of its only item when a field becomes a list', () => {
    for (const item of ['x', { a: '1', b: '2' }, ['x', 'y']])
      expect(contentWith(['T'], { No: '1', T: item })).toBe(contentWith([], { No: '1', T: item }))
    expect(contentWith([], { No: '1', T: ['x'] })).toBe(contentWith([], { No: '1', T: 'x' }))
    expect(contentWith([], { No: '1', T: ['x', 'y'] })).not.toBe(contentWith([], { No: '1', T: ['x'] }))
    expect(contentWith([], { No: '1', T: { Mobile: 'x' } })).not.toBe(contentWith([], { No: '1', T: { Fixe: 'x' } }))
  })

  test('gives the event the same id, whatever lists are known (invariant 7)', () => {
    const hashWith = (lists: readonly string[], record: ClientRecord) =>
      clientReader(mapping, { timeZone, ignored: new Set(), lists, fields: undefined })(record)
        .published()
        .shapelessHash()
    fc.assert(
      fc.property(value, fc.subarray(['T', 'T.a', 'U']), (T, lists) => {
        const record = { No: '1', T, U: { Carte: T } }
        expect(hashWith(lists, record)).toBe(hashWith([], record))
      }),
    )
    expect(hashWith([], { No: '1', T: 'x' })).not.toBe(hashWith([], { No: '1', T: 'y' }))
  })

  test('without an id does not depend on lists either', () => {
    const keyWith = (lists: readonly string[]) =>
      clientReader(mapping, { timeZone, ignored: new Set(), lists, fields: undefined })({ T: { Carte: 'x' } }).key
    expect(keyWith(['T'])).toBe(keyWith([]))
  })

  test('compared with an entry of the index is that under the lists of the entry', () => {
    const under = (record: ClientRecord, lists: readonly string[]) =>
      contentUnder(record, rulesOf(indexRulesWithLists(rulesText({ ignored: [], limits: '' }), lists)))
    const some = fc.subarray(['T', 'U', 'V.a'])
    fc.assert(
      fc.property(value, value, some, some, (T, a, then, since) => {
        const record = { No: '1', T, U: { Carte: T }, V: { a } }
        expect(under(record, then)).toBe(contentWith(then, record))
        // A rebuild of the index reads events in the shape of an earlier time.
        const now = listsInForce(then, since)
        expect(under(listShaper(then)(record), now)).toBe(contentWith(now, record))
      }),
    )
  })
})
