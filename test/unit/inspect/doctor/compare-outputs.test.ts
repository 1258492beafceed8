import { expect, test } from 'vitest'
import { compareOutputs } from '../../../../connector/inspect/doctor/compare-outputs.ts'

test('finds both outputs equal, whatever the order of clients and fields', () => {
  const xml = [
    { No: '1', Nom: 'a' },
    { No: '2', Nom: 'b' },
  ]
  const json = [
    { Nom: 'b', No: '2' },
    { Nom: 'a', No: '1' },
  ]
  expect(compareOutputs({ xml, json }, 'No')).toMatchObject({ verdict: 'ok' })
})

test('names the fields that differ, and no value', () => {
  const xml = [{ No: '1', Nom: 'secret', Cartes: 'one' }]
  const json = [{ No: '1', Nom: 'secret', Cartes: ['one'], Solde: '7' }]
  const result = compareOutputs({ xml, json }, 'No')
  expect(result).toMatchObject({ verdict: 'warning', detail: 'xml and json of 1 clients differ in Cartes, Solde' })
  expect(JSON.stringify(result)).not.toContain('secret')
})

test('compares only clients that both pages hold', () => {
  expect(compareOutputs({ xml: [{ No: '1' }], json: [{ No: '2' }] }, 'No').verdict).toBe('skipped')
})
