import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../../connector/event/canonical-json.ts'
import {
  type FieldTypes,
  fieldTyper,
  isLiteral,
  type ValueType,
} from '../../../../connector/event/fields/field-types.ts'
import type { ClientRecord } from '../../../../connector/source/client-source.ts'

const types: FieldTypes = new Map<string, ValueType>([
  ['points', 'integer'],
  ['cartes.solde', 'decimal'],
  ['actif', 'boolean'],
])

test.each<[ValueType, string[], string[]]>([
  [
    'integer',
    ['0', '-0', '-7', '42', '9007199254740993', '9'.repeat(38)],
    ['', '007', '+1', '1.0', '1E3', ' 1', '1 ', '0x1', '9'.repeat(39), '١'],
  ],
  [
    'decimal',
    ['0', '1.50', '-0.10', '12', `${'9'.repeat(36)}.99`],
    ['1,5', '.5', '1.', '1e3', '-', '01.5', '1.2.3', 'NaN', `${'9'.repeat(37)}.99`],
  ],
  ['boolean', ['true', 'false'], ['True', '1', 'oui', 'null']],
])('%s fits %j, and not %j', (type, fitting, others) => {
  expect(fitting.filter((text) => !isLiteral(text, type))).toEqual([])
  expect(others.filter((text) => isLiteral(text, type))).toEqual([])
})

const typedJson = (client: ClientRecord) => canonicalJson(fieldTyper(types)(client))

describe('the JSON of a client with types', () => {
  test('has the text of numbers and booleans as their literal', () => {
    const client = {
      Vu: '2026-06-15T10:00:00',
      POINTS: '9007199254740993',
      Cartes: [{ Solde: '1.50' }, { Solde: '-0.10', Points: '1' }],
      Actif: 'true',
      Nom: '12',
    }
    expect(typedJson(client)).toBe(
      '{"Actif":true,"Cartes":[{"Solde":1.50},{"Points":"1","Solde":-0.10}],"Nom":"12","POINTS":9007199254740993,"Vu":"2026-06-15T10:00:00"}',
    )
  })

  test('has as text what does not fit', () => {
    const client = { Points: '007', Cartes: [{ Solde: '1,50' }, { Solde: '2' }], Actif: '', Naissance: 'hier' }
    expect(typedJson(client)).toBe(
      '{"Actif":"","Cartes":[{"Solde":"1,50"},{"Solde":2}],"Naissance":"hier","Points":"007"}',
    )
  })

  test('has the text of an element with attributes with the type of the element', () => {
    expect(typedJson({ Points: { '#text': '12', unit: '3' } })).toBe('{"Points":{"#text":12,"unit":"3"}}')
    expect(typedJson({ Cartes: [{ Solde: { '#text': '1.50' } }] })).toBe('{"Cartes":[{"Solde":{"#text":1.50}}]}')
  })

  test('has the items of a list each with the type, and an object as it is', () => {
    expect(typedJson({ Points: ['1', ['2', 'x']] })).toBe('{"Points":[1,[2,"x"]]}')
    expect(typedJson({ Points: { Total: '1' } })).toBe('{"Points":{"Total":"1"}}')
  })
})
