import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, valueAt, withoutPaths } from '../../../connector/event/canonical-json.ts'
import { type ClientField, type ClientValue, isList, recordOf } from '../../../connector/source/client-source.ts'

const { value: anyValue } = fc.letrec<{ value: ClientValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'value' },
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3, depthIdentifier: 'value' }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 5 }), tie('value'), {
      maxKeys: 4,
      depthIdentifier: 'value',
    }),
  ),
}))

/** The value as a source gives it, whose objects have had their fields in this order. */
function fromSource(value: ClientValue, order: (fields: ClientField[]) => ClientField[]): ClientValue {
  if (typeof value === 'string') return value
  if (isList(value)) return value.map((item) => fromSource(item, order))
  return recordOf(order(Object.entries(value)).map(([name, field]) => [name, fromSource(field, order)]))
}

describe('canonical JSON', () => {
  test('has its keys in code-unit order at every depth and keeps the order of lists', () => {
    const value = { b: '1', a: { d: [{ z: '1', y: '2' }, 'x'], c: '' }, B: '2' }
    expect(canonicalJson(fromSource(value, (fields) => fields))).toBe(
      '{"B":"2","a":{"c":"","d":[{"y":"2","z":"1"},"x"]},"b":"1"}',
    )
  })

  test('represents the same value and does not depend on the order of the fields in a response', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const json = canonicalJson(fromSource(value, (fields) => fields))
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(fromSource(value, (fields) => fields.toReversed()))).toBe(json)
      }),
    )
  })
})

describe('ignored fields', () => {
  const record = {
    No: '1',
    Points: '3',
    Carte: [
      { Solde: '5', Numero: '7' },
      { Solde: '6', Numero: '8' },
    ],
    Adresse: { Age: '9', Ville: 'X' },
  }
  const ignored = new Set(['points', 'carte.solde', 'adresse.age'])

  test('are left out by path, without case, in every item of a list', () => {
    expect(withoutPaths(record, ignored)).toEqual({
      No: '1',
      Carte: [{ Numero: '7' }, { Numero: '8' }],
      Adresse: { Ville: 'X' },
    })
  })

  test('are left out at their exact path only', () => {
    expect(withoutPaths({ Adresse: { Points: '1' } }, ignored)).toEqual({ Adresse: { Points: '1' } })
  })
})

describe('the value at a path', () => {
  const record = { Client: { No: '7' }, no: 'lower', Liste: [{ No: '1' }] }
  test.each([
    ['no', 'lower'],
    ['NO', 'lower'],
    ['client.no', '7'],
    ['Client', { No: '7' }],
    ['Liste.No', undefined],
    ['no.deeper', undefined],
    ['absent', undefined],
    ['toString', undefined],
  ])('%s is %j', (path, value) => {
    expect(valueAt(record, path.split('.'))).toEqual(value)
  })

  test('prefers the exact spelling of a name', () => {
    expect(valueAt({ NO: '1', No: '2' }, ['No'])).toBe('2')
  })
})
