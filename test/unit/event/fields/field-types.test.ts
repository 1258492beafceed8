import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../../connector/event/canonical-json.ts'
import { fieldRules } from '../../../../connector/event/fields/field-rules.ts'
import {
  type FieldTypes,
  isLiteral,
  parsedAsText,
  typedJson,
  type ValueType,
  valueTypes,
} from '../../../../connector/event/fields/field-types.ts'
import { clientReader, contentUnder } from '../../../../connector/event/read-client.ts'
import type { ClientRecord, ClientValue } from '../../../../connector/source/client-source.ts'

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

describe('the JSON of a client with types', () => {
  test('has the text of numbers and booleans as their literal', () => {
    const client = {
      Vu: '2026-06-15T10:00:00',
      POINTS: '9007199254740993',
      Cartes: [{ Solde: '1.50' }, { Solde: '-0.10', Points: '1' }],
      Actif: 'true',
      Nom: '12',
    }
    expect(typedJson(client, types)).toBe(
      '{"Actif":true,"Cartes":[{"Solde":1.50},{"Points":"1","Solde":-0.10}],"Nom":"12","POINTS":9007199254740993,"Vu":"2026-06-15T10:00:00"}',
    )
  })

  test('has as text what does not fit', () => {
    const client = { Points: '007', Cartes: [{ Solde: '1,50' }, { Solde: '2' }], Actif: '', Naissance: 'hier' }
    expect(typedJson(client, types)).toBe(
      '{"Actif":"","Cartes":[{"Solde":"1,50"},{"Solde":2}],"Naissance":"hier","Points":"007"}',
    )
  })

  test('has the items of a list each with the type, and an object as it is', () => {
    expect(typedJson({ Points: ['1', ['2', 'x']] }, types)).toBe('{"Points":[1,[2,"x"]]}')
    expect(typedJson({ Points: { Total: '1' } }, types)).toBe('{"Points":{"Total":"1"}}')
  })
})

const name = fc.constantFrom('Points', 'Cartes', 'Solde', 'actif', 'Naissance', 'Vu', '__proto__', '7', 'a.b')
const text = fc.oneof(
  fc.constantFrom('', '007', '1.50', '-0', '-0.0', 'true', '1E5', '2026-06-15', '9007199254740993', '"', '\u2028'),
  fc.integer().map(String),
  fc.double().map(String),
  fc.string(),
)
const client: fc.Arbitrary<ClientRecord> = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, fc.array(tie('value'), { maxLength: 3 }), tie('client')),
  client: fc
    .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 5, selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries)),
})).client as fc.Arbitrary<ClientRecord>
const anyTypes = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom('points', 'cartes', 'cartes.solde', 'actif', 'vu', '7', '__proto__'),
      fc.constantFrom(...valueTypes),
    ),
    { selector: ([path]) => path },
  )
  .map((entries) => new Map(entries))

describe('a client is the same with every type of its fields', () => {
  test('its event has the same text: what is read back is what was read', () => {
    fc.assert(
      fc.property(client, anyTypes, (one, some) => {
        expect(canonicalJson(parsedAsText(typedJson(one, some)) as ClientValue)).toBe(canonicalJson(one))
      }),
    )
  })

  const kept = fieldRules('keep', [['Naissance', 'drop']])
  const read = (one: ClientRecord, some: FieldTypes | undefined, fields = kept) =>
    clientReader(
      { clientId: 'No', modifiedAt: null },
      { timeZone: 'UTC', ignored: new Set(['vu']), lists: ['Cartes'], fields, types: some },
    )(one)

  test('its content and the hashes in its event are the same', () => {
    fc.assert(
      fc.property(client, anyTypes, fc.constantFrom(kept, undefined), (one, some, fields) => {
        const [plain, typed] = [read(one, undefined, fields), read(one, some, fields)]
        expect([typed.content, typed.key]).toEqual([plain.content, plain.key])
        const [text, data] = [plain.published(), typed.published()]
        expect([data.contentHash, data.shapelessHash()]).toEqual([text.contentHash, text.shapelessHash()])
        const again = contentUnder(parsedAsText(data.json) as ClientRecord, { ignored: ['vu'], lists: ['Cartes'] })
        expect(again).toBe(plain.content)
      }),
    )
  })
})
