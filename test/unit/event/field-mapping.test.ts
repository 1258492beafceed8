import { describe, expect, test } from 'vitest'
import { mapFields } from '../../../connector/event/field-mapping.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'

const open = { clientId: null, modifiedAt: null }
const clients: ClientRecord[] = [
  { NoClient: '1', Nom: 'planted-name', DateModification: '2026-06-15T10:00:00' },
  { Nom: 'planted-name', NoClient: '2', DateModification: '2026-06-15T10:00:01' },
]

function errorOf(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

describe('which field is which', () => {
  test('is what the page makes unambiguous', () => {
    expect(mapFields(clients, open, null)).toEqual({ clientId: 'NoClient', modifiedAt: 'DateModification' })
  })

  test('is what is configured, whatever the page has', () => {
    const configured = { clientId: 'Fiche.No', modifiedAt: 'Maj' }
    expect(mapFields(clients, configured, null)).toEqual(configured)
    expect(mapFields([], configured, null)).toEqual(configured)
    expect(mapFields(clients, configured, { clientId: 'NoClient', modifiedAt: null })).toEqual(configured)
  })

  test('is for good what was found before', () => {
    const known = { clientId: 'Id', modifiedAt: null }
    expect(mapFields(clients, open, known)).toEqual(known)
    expect(mapFields([], open, known)).toEqual(known)
  })

  test('one may be configured and the other found', () => {
    expect(mapFields(clients, { clientId: null, modifiedAt: 'Maj' }, null)?.clientId).toBe('NoClient')
    expect(mapFields(clients, { clientId: 'Nom', modifiedAt: null }, null)?.modifiedAt).toBe('DateModification')
  })

  test('stays open without a client to tell by', () => {
    expect(mapFields([], open, null)).toBeUndefined()
  })

  test('keeps the spelling of the source', () => {
    expect(mapFields([{ NUMCLIENT: '1' }], open, null)).toEqual({ clientId: 'NUMCLIENT', modifiedAt: null })
  })

  test('a field that one client lacks, or has as something else than a text, is none', () => {
    expect(mapFields([{ No: '1', Id: '2' }, { No: '1' }], open, null)?.clientId).toBe('No')
    expect(mapFields([{ No: '1', Id: { a: '2' } }], open, null)?.clientId).toBe('No')
  })

  test('an ambiguous modification time stays unmapped', () => {
    const client = { No: '1', DateModification: 'a', LastChanged: 'b' }
    expect(mapFields([client], open, null)).toEqual({ clientId: 'No', modifiedAt: null })
  })

  test('an ambiguous id stops the stream and names the fields in question', () => {
    const error = errorOf(() => mapFields([{ No: '1', CodeClient: '2' }], open, null))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toMatch(/No, CodeClient.*POLARIS_CLIENT_ID_FIELD/)
  })

  test('Invariant 8: no id stops the stream with the names of the fields, none of their values', () => {
    const error = errorOf(() => mapFields([{ Nom: 'planted-name', Fidelite: 'planted-card' }], open, null))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toContain('Nom, Fidelite')
    expect(error.message).not.toContain('planted')
  })

  test('the error does not grow with the number of fields', () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`Champ${index}`, 'x']))
    expect(errorOf(() => mapFields([wide], open, null)).message.length).toBeLessThan(600)
  })
})
