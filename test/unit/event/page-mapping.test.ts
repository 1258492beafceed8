import { describe, expect, test } from 'vitest'
import { type ConfiguredFields, mapPage, type PageMapping } from '../../../connector/event/page-mapping.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'

// Pages are mapped one after another, as a stream reads them.

const detected: ConfiguredFields = { clientId: null, modifiedAt: null, clients: null, lists: [] }
const byNo: ConfiguredFields = { ...detected, clientId: 'No' }
const path = ['Clients', 'Client']
const known: PageMapping = { path, clientId: 'No', modifiedAt: null, matched: ['mail'] }
const mapping = expect.objectContaining({ code: 'source.mapping', message: expect.not.stringContaining('DUPONT') })
const page = (...clients: ClientRecord[]) => ({ clients, path })

describe('the mapping of pages', () => {
  test('is found on the first page with clients, with their place', () => {
    const clients = [
      { No: '1', LastChanged: 'x' },
      { No: '2', LastChanged: 'x' },
    ]
    expect(mapPage(page(...clients), detected, null)).toEqual({
      path,
      clientId: 'No',
      modifiedAt: 'LastChanged',
      matched: [],
    })
    expect(mapPage({ clients: [{ No: '1' }] }, byNo, null)).toMatchObject({ path: null })
  })

  test('stays as it is known, but for what is configured', () => {
    expect(mapPage(page({ No: '1', Id: '2' }), detected, known)).toEqual(known)
    const configured = { ...detected, clientId: 'Id', modifiedAt: 'Modif' }
    expect(mapPage({ clients: [] }, configured, known)).toEqual({
      path,
      clientId: 'Id',
      modifiedAt: 'Modif',
      matched: ['mail'],
    })
  })

  test('is not found by a page without clients', () => {
    expect(mapPage({ clients: [] }, byNo, null)).toBeNull()
  })

  test.each([
    ['no client has the configured id', page({ Nom: 'DUPONT' }, { Nom: 'DUPONT' }), byNo],
    ['the id is empty', page({ No: '' }), detected],
    ['the id is an object', page({ No: { Id: '1' } }), byNo],
    ['an object is the wrapper of a list', page({ count: '2', Client: [{ No: '1' }, { No: '2' }] }), byNo],
  ])('cannot be found on a first page if %s: source.mapping', (_, first, fields) => {
    expect(() => mapPage(first, fields, null)).toThrow(mapping)
  })

  test('stays when no client of a page has an id: they are dead letters, unless the field is another one', () => {
    expect(mapPage(page({ Nom: 'DUPONT' }), byNo, known)).toEqual(known)
    expect(mapPage(page({ Nom: 'DUPONT' }, { No: '2' }), byNo, known)).toEqual(known)
    expect(() => mapPage(page({ No: '1' }), { ...byNo, clientId: 'Id' }, known)).toThrow(mapping)
  })

  test('gets its modification time from a later page, as long as none is known or configured', () => {
    const later = page({ No: '1', DateModif: 'x' })
    expect(mapPage(later, detected, known)).toEqual({ ...known, modifiedAt: 'DateModif' })
    expect(mapPage(later, detected, { ...known, modifiedAt: 'Maj' })).toMatchObject({ modifiedAt: 'Maj' })
    expect(mapPage(later, { ...detected, modifiedAt: 'Vu' }, known)).toMatchObject({ modifiedAt: 'Vu' })
    expect(mapPage(page({ No: '1', DateModif: 'x', DateMaj: 'y' }), detected, known)).toEqual(known)
  })
})

function errorOf(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

describe('the field mapping', () => {
  test('is the configured one, whatever fields the page has', () => {
    const configured = { clientId: 'Fiche.No', modifiedAt: 'Maj' }
    const client = { No: '1', LastChanged: 'x', Fiche: { No: '1' } }
    expect(mapPage(page(client), { ...detected, ...configured }, null)).toMatchObject({ path, ...configured })
  })

  test('ignores a field that is absent or not text on one client', () => {
    expect(mapPage(page({ No: '1', Id: '2' }, { No: '1' }), detected, null)?.clientId).toBe('No')
    expect(mapPage(page({ No: '1', Id: { a: '2' } }), detected, null)?.clientId).toBe('No')
  })

  test('leaves the modification time unmapped when several fields match', () => {
    const client = { No: '1', DateModification: 'a', LastChanged: 'b' }
    expect(mapPage(page(client), detected, null)).toMatchObject({ path, clientId: 'No', modifiedAt: null })
  })

  test('throws an error with the candidates when several fields match as the id', () => {
    const error = errorOf(() => mapPage(page({ No: '1', CodeClient: '2' }), detected, null))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toMatch(/No, CodeClient.*POLARIS_CLIENT_ID_FIELD/)
  })

  test('Invariant 8: throws an error with all field names but no values when no field matches as the id', () => {
    const error = errorOf(() => mapPage(page({ Nom: 'planted-name', Fidelite: 'planted-card' }), detected, null))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toContain('Fidelite, Nom')
    expect(error.message).not.toContain('planted')
  })
})
