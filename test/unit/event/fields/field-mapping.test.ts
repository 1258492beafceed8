import { describe, expect, test } from 'vitest'
import { mapFields } from '../../../../connector/event/fields/field-mapping.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import type { ClientRecord } from '../../../../connector/source/client-source.ts'

const detected = { clientId: null, modifiedAt: null }
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

describe('the field mapping', () => {
  test('is detected when exactly one field matches', () => {
    expect(mapFields(clients, detected)).toEqual({ clientId: 'NoClient', modifiedAt: 'DateModification' })
  })

  test('is the configured one, whatever fields the page has', () => {
    const configured = { clientId: 'Fiche.No', modifiedAt: 'Maj' }
    expect(mapFields(clients, configured)).toEqual(configured)
  })

  test('ignores a field that is absent or not text on one client', () => {
    expect(mapFields([{ No: '1', Id: '2' }, { No: '1' }], detected)?.clientId).toBe('No')
    expect(mapFields([{ No: '1', Id: { a: '2' } }], detected)?.clientId).toBe('No')
  })

  test('leaves the modification time unmapped when several fields match', () => {
    const client = { No: '1', DateModification: 'a', LastChanged: 'b' }
    expect(mapFields([client], detected)).toEqual({ clientId: 'No', modifiedAt: null })
  })

  test('throws an error with the candidates when several fields match as the id', () => {
    const error = errorOf(() => mapFields([{ No: '1', CodeClient: '2' }], detected))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toMatch(/No, CodeClient.*POLARIS_CLIENT_ID_FIELD/)
  })

  test('Invariant 8: throws an error with all field names but no values when no field matches as the id', () => {
    const error = errorOf(() => mapFields([{ Nom: 'planted-name', Fidelite: 'planted-card' }], detected))
    expect(codeOf(error)).toBe('source.mapping')
    expect(error.message).toContain('Nom, Fidelite')
    expect(error.message).not.toContain('planted')
  })
})
