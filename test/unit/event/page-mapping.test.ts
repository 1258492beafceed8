import { describe, expect, test } from 'vitest'
import type { ConfiguredFields } from '../../../connector/event/fields/field-mapping.ts'
import { mapPage, type PageMapping } from '../../../connector/event/page-mapping.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'

const detected: ConfiguredFields = { clientId: null, modifiedAt: null, clients: null, lists: [] }
const byNo: ConfiguredFields = { ...detected, clientId: 'No' }
const path = ['Clients', 'Client']
const known: PageMapping = { path, clientId: 'No', modifiedAt: null }
const mapping = expect.objectContaining({ code: 'source.mapping', message: expect.not.stringContaining('DUPONT') })
const page = (...clients: ClientRecord[]) => ({ clients, path })

describe('the mapping of pages', () => {
  test('is found on the first page with clients, with their place', () => {
    const clients = [
      { No: '1', LastChanged: 'x' },
      { No: '2', LastChanged: 'x' },
    ]
    expect(mapPage(page(...clients), detected, null)).toEqual({ path, clientId: 'No', modifiedAt: 'LastChanged' })
    expect(mapPage({ clients: [{ No: '1' }] }, byNo, null)).toMatchObject({ path: null })
  })

  test('stays as it is known, but for what is configured', () => {
    expect(mapPage(page({ No: '1', Id: '2' }), detected, known)).toEqual(known)
    const configured = { ...detected, clientId: 'Id', modifiedAt: 'Modif' }
    expect(mapPage({ clients: [] }, configured, known)).toEqual({ path, clientId: 'Id', modifiedAt: 'Modif' })
  })

  test('is not found by a page without clients', () => {
    expect(mapPage({ clients: [] }, byNo, null)).toBeNull()
  })

  test.each([
    ['no client has the configured id', page({ Nom: 'DUPONT' }, { Nom: 'DUPONT' }), byNo],
    ['no field is on every client', page({ Nom: 'DUPONT' }, { No: '1' }), detected],
    ['the id is empty', page({ No: '' }), detected],
    ['the id is an object', page({ No: { Id: '1' } }), byNo],
    ['several fields could be the id', page({ No: '1', Code: '2' }), detected],
    ['an object is the wrapper of a list', page({ count: '2', Client: [{ No: '1' }, { No: '2' }] }), byNo],
  ])('cannot be found on a first page if %s: source.mapping', (_, first, fields) => {
    expect(() => mapPage(first, fields, null)).toThrow(mapping)
  })

  test('is wrong once no client of a page has an id', () => {
    expect(() => mapPage(page({ Nom: 'DUPONT' }), byNo, known)).toThrow(mapping)
    expect(mapPage(page({ Nom: 'DUPONT' }, { No: '2' }), byNo, known)).toEqual(known)
  })
})
