import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientSchema } from '../../../connector/event/client-schema.ts'
import { fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import { type ValueType, valueTypes } from '../../../connector/event/fields/field-types.ts'
import { listShaper, newLists } from '../../../connector/event/list-shapes.ts'
import { clientReader } from '../../../connector/event/read-client.ts'
import { fieldTable } from '../../../connector/pipeline/features/fields/field-table.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'

const source = '/polaris/shop/lyon'
const hmac = fieldHash('a key of thirty-two characters..')
const some = fieldRules('keep', [
  ['Mail', 'hmac'],
  ['Adresse', 'drop'],
  ['Adresse.Ville', 'keep'],
  ['Memo', 'drop'],
])

function known(clients: readonly ClientRecord[]) {
  const lists = newLists(clients, [])
  const table = fieldTable({ clients: 0, fields: [] })
  for (const client of clients) table.add(listShaper(lists)(client), 0)
  return { source, lists, fields: table.fields() }
}

test('names the fields that were seen, with their form, and without the dropped ones', () => {
  const clients = [
    {
      No: '1',
      Mail: 'a',
      Memo: 'x',
      Adresse: { Ville: 'Nice', Rue: 'b' },
      Cartes: { Carte: { Code: 'c', Type: 'd' } },
    },
    { No: '2', Adresse: '', Cartes: [{ Code: 'c' }, ''], Tel: ['1', '2'] },
  ]
  const value = { $ref: '#/$defs/value' }
  const text = { type: 'string' }
  expect(clientSchema({ ...known(clients), rules: some })).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:polaris-connector:client.modified:1:shop:lyon',
    type: 'object',
    properties: {
      No: text,
      Mail: { type: 'string', description: expect.stringContaining('HMAC') },
      Adresse: { anyOf: [{ type: 'object', properties: { Ville: text }, additionalProperties: value }, text] },
      Cartes: {
        type: 'array',
        items: {
          anyOf: [{ type: 'object', properties: { Code: text, Type: text }, additionalProperties: value }, text],
        },
      },
      Tel: { type: 'array', items: value },
    },
    additionalProperties: value,
  })
  const { properties } = clientSchema({ ...known(clients), rules: some }) as { properties: object }
  expect(Object.keys(properties)).toEqual(['No', 'Mail', 'Adresse', 'Cartes', 'Tel'])
})

test('gives a field its type, besides text for what does not fit', () => {
  const types = new Map<string, ValueType>([
    ['points', 'integer'],
    ['carte.solde', 'decimal'],
    ['vu', 'date'],
    ['tel', 'integer'],
  ])
  const clients = [{ No: '1', Points: '3', Vu: '2026-06-15', Carte: { Solde: '1.50' }, Tel: ['1'] }]
  const text = { type: 'string' }
  expect(clientSchema({ ...known(clients), rules: undefined, types }).properties).toMatchObject({
    No: text,
    Points: { anyOf: [{ type: 'integer' }, text] },
    Vu: { anyOf: [{ type: 'string', format: 'date' }, text] },
    Carte: { anyOf: [{ properties: { Solde: { anyOf: [{ type: 'number' }, text] } } }, text] },
    Tel: { type: 'array', items: { anyOf: [{ type: 'integer' }, { $ref: '#/$defs/value' }] } },
  })
})

const name = fc.constantFrom('Nom', 'Mail', 'Adresse', 'Ville', 'Cartes', 'Memo', 'a@b')
const client: fc.Arbitrary<ClientRecord> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom('', 'x', '1', '1.50', 'true', '2026-06-15'),
    // No item of a list is a list itself.
    fc.array(fc.oneof(fc.constantFrom('', 'x', '7'), tie('object')), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  client: fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
})).client as fc.Arbitrary<ClientRecord>

test('every client that the connector publishes fits the schema of the clients that it has seen', () => {
  fc.assert(
    fc.property(
      fc.array(client, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(undefined, some),
      fc.dictionary(fc.constantFrom('nom', 'cartes', 'adresse.ville', 'cartes.nom'), fc.constantFrom(...valueTypes)),
      (clients, rules, byPath) => {
        const types = new Map(Object.entries(byPath))
        const seen = known(clients)
        const read = clientReader(
          { clientId: 'No', modifiedAt: null },
          { timeZone: 'UTC', ignored: new Set(), lists: seen.lists, fields: rules, hmac, types },
        )
        const fits = new Ajv2020({
          strict: true,
          allErrors: true,
          validateFormats: false,
          allowUnionTypes: true,
        }).compile(clientSchema({ ...seen, rules, types }))
        for (const one of clients) {
          const data = JSON.parse(read(one).published().json)
          expect(fits(data), JSON.stringify([data, fits.errors])).toBe(true)
        }
      },
    ),
    { numRuns: 40 },
  )
})
