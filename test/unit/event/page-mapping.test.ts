import { describe, expect, test } from 'vitest'
import type { ConfiguredFields } from '../../../connector/event/fields/field-mapping.ts'
import {
  type MappedPage,
  mapPage,
  type PageMapping,
  type StreamMapping,
  underSettings,
  unmapped,
} from '../../../connector/event/page-mapping.ts'
import type { ClientRecord, ClientsPlace } from '../../../connector/source/client-source.ts'

const detected: ConfiguredFields = { clientId: null, modifiedAt: null, clients: null, lists: [] }
const byNo: ConfiguredFields = { ...detected, clientId: 'No' }
const known: PageMapping = { path: ['Clients'], clientId: 'No', modifiedAt: null }
const place: ClientsPlace = { path: ['Clients', 'Client'], isCertain: true }
const mapping = expect.objectContaining({ code: 'source.mapping', message: expect.not.stringContaining('DUPONT') })
const nameless = (count: number): ClientRecord[] => Array.from({ length: count }, () => ({ Nom: 'DUPONT' }))
const page = (...clients: ClientRecord[]) => ({ clients, place })
const kindOf = ({ kind }: MappedPage) => kind

describe('the mapping of pages', () => {
  test('is found on the first page with a valid id, with the place of the clients', () => {
    const found = { path: ['Clients', 'Client'], clientId: 'No', modifiedAt: 'LastChanged' }
    const clients = [
      { Nom: 'DUPONT', LastChanged: 'x' },
      { No: '1', LastChanged: 'x' },
    ]
    expect(mapPage(page(...clients), detected, null)).toEqual({ kind: 'mapped', mapping: found })
    expect(mapPage(page(...clients), byNo, null)).toEqual({ kind: 'mapped', mapping: found })
    expect(mapPage({ clients: [{ No: '1' }] }, byNo, null)).toMatchObject({ mapping: { path: null } })
  })

  test('stays as it is known, but for another configured modification time', () => {
    expect(mapPage(page({ Id: '1' }), detected, known)).toEqual({ kind: 'mapped', mapping: known })
    const configured = { ...byNo, modifiedAt: 'Modif' }
    expect(mapPage(page(), configured, known)).toMatchObject({ mapping: { modifiedAt: 'Modif' } })
  })

  test('is not found by a page without clients', () => {
    expect(kindOf(mapPage(page(), byNo, null))).toBe('empty')
  })

  test.each([
    ['a single client without id', page({ Nom: 'DUPONT' }), detected],
    ['a single client with an empty id', page({ No: '' }), detected],
    ['nine clients without the configured id', page(...nameless(9)), byNo],
    ['an id that is an object', page({ No: { Id: '1' } }), byNo],
    [
      'an object that need not be a client',
      { clients: [{ No: '1' }], place: { path: ['Magasin'], isCertain: false } },
      byNo,
    ],
  ])('is not found, and nothing is concluded, by %s', (_, first, fields) => {
    const mapped = mapPage(first, fields, null)
    expect(mapped).toMatchObject({ kind: 'unproven', error: mapping })
  })

  test.each([
    ['ten clients without the configured id', page(...nameless(10)), byNo],
    ['several clients without any known id', page(...nameless(2)), detected],
    ['several possible ids', page({ No: '1', Code: '2' }), detected],
    ['a wrapper of a list', page({ count: '2', Client: [{ No: '1' }, { No: '2' }] }), byNo],
    ['a wrapper of a list, with the id detected', page({ count: '2', Client: [{ No: '1' }, { No: '2' }] }), detected],
    ['a list two levels below', page({ L: { $values: [{ No: '1' }] } }), byNo],
  ])('cannot be found by %s: source.mapping', (_, first, fields) => {
    expect(() => mapPage(first, fields, null)).toThrow(mapping)
  })

  test('is wrong once the only client of a page holds a list with the ids', () => {
    const wrapper = page({ count: '2', Client: [{ No: '1' }, { No: '2' }] })
    expect(() => mapPage(wrapper, byNo, known)).toThrow(mapping)
    expect(kindOf(mapPage(page({ Cartes: [{ Num: '1' }] }), byNo, known))).toBe('mapped')
  })
})

describe('the mapping under the settings', () => {
  const stored = (settings: StreamMapping['settings']): StreamMapping => ({
    settings,
    xml: known,
    json: null,
    lists: ['Cartes'],
  })
  const none = { clientId: null, clients: null }
  const kind = (before: StreamMapping['settings'], now: Partial<ConfiguredFields>) =>
    underSettings(stored(before), { ...detected, ...now }).kind

  test('is kept while they are the same, or name what was found', () => {
    expect(kind(none, {})).toBe('kept')
    expect(kind({ clientId: 'No', clients: 'Clients' }, { clientId: 'No', clients: 'Clients' })).toBe('kept')
    expect(kind(none, { clientId: 'No' })).toBe('kept')
    expect(kind(none, { clients: 'Clients' })).toBe('kept')
    expect(kind(none, { modifiedAt: 'Modif' })).toBe('kept')
    expect(underSettings(stored(none), byNo).mapping).toEqual({
      ...stored(none),
      settings: { ...none, clientId: 'No' },
    })
  })

  test('is found again under others, also if a setting is gone', () => {
    expect(kind(none, { clientId: 'Id' })).toBe('changed')
    expect(kind(none, { clients: 'Clients.Client' })).toBe('changed')
    expect(kind({ clientId: 'No', clients: null }, {})).toBe('changed')
    expect(kind({ clientId: null, clients: 'Clients' }, {})).toBe('changed')
    expect(underSettings(stored(none), { ...detected, clientId: 'Id' }).mapping).toEqual({
      ...unmapped,
      lists: ['Cartes'],
      settings: { ...none, clientId: 'Id' },
    })
  })

  test('is new where nothing was found under other settings', () => {
    const passed = { ...unmapped, settings: { clientId: null, clients: 'Clinets' } }
    expect(underSettings(passed, { ...detected, clients: 'Clients' }).kind).toBe('changed')
    expect(underSettings(unmapped, byNo)).toEqual({
      kind: 'kept',
      mapping: { ...unmapped, settings: { ...none, clientId: 'No' } },
    })
  })
})
