import { Ajv2020 } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientSchema } from '../../../../connector/inspect/preview/client-schema.ts'

const jsonOf = (clients: readonly object[]) => clients.map((client) => JSON.stringify(client))
const schemaOf = (clients: readonly object[], types?: Parameters<typeof clientSchema>[1]) =>
  JSON.parse(JSON.stringify(clientSchema(jsonOf(clients), types)))

test('shows names, nesting, lists, types, and in how many clients each field is', () => {
  const clients = [
    { No: '1', Adresse: { Ville: 'Lyon' }, Cartes: [{ Numero: '17' }, { Numero: '18', Points: 120 }], Actif: true },
    { No: '2', Adresse: {}, Cartes: [], Actif: 'oui', Solde: 1.5 },
    { No: '3', Adresse: '' },
  ]
  const $comment = (count: number) => `in ${count} of 3 clients`
  const types = new Map([['cartes.points', 'integer' as const]])
  expect(schemaOf(clients, types)).toEqual({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: $comment(3),
    type: 'object',
    properties: {
      Actif: { $comment: $comment(2), type: ['boolean', 'string'] },
      Adresse: {
        $comment: $comment(3),
        type: ['object', 'string'],
        properties: { Ville: { $comment: $comment(1), type: 'string' } },
      },
      Cartes: {
        $comment: $comment(2),
        type: 'array',
        items: {
          $comment: $comment(1),
          type: 'object',
          properties: {
            Numero: { $comment: $comment(1), type: 'string' },
            Points: { $comment: $comment(1), type: 'integer' },
          },
        },
      },
      No: { $comment: $comment(3), type: 'string' },
      Solde: { $comment: $comment(1), type: 'number' },
    },
  })
})

test('invariant 8: shows no key that is no name, as in a map by e-mail address or telephone', () => {
  const client = {
    No: '1',
    Contacts: { 'zoe@exemple.example': { Ok: 'true' }, '0639987747': { Ok: 'true' }, Prénom: 'x' },
  }
  const { Contacts } = schemaOf([client]).properties
  expect(Object.keys(Contacts.properties)).toEqual(['Prénom'])
  expect(Contacts.additionalProperties).toMatchObject({ type: 'object', properties: { Ok: { type: 'string' } } })
})

/** Ajv passes over this name in `properties`. */
const fieldName = fc.string().filter((name) => name !== '__proto__')
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.array(tie('any'), { maxLength: 3 }),
    tie('fields'),
  ),
  fields: fc.dictionary(fc.oneof(fieldName, fc.constantFrom('a', 'b', 'constructor')), tie('any'), { maxKeys: 4 }),
})).fields as fc.Arbitrary<object>

test('every client fits the schema of those of which it was made, and no value is in it', async () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, ownProperties: true })
  await fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (clients) => {
      const planted = clients.map((client, at) => ({ ...client, No: `Krznych-${at}` }))
      const schema = schemaOf(planted)
      const fits = ajv.compile(schema)
      for (const json of jsonOf(planted)) expect(fits(JSON.parse(json)), JSON.stringify([schema, json])).toBe(true)
      expect(JSON.stringify(schema)).not.toContain('Krznych')
    }),
  )
})

test('without clients, says so', () => {
  expect(schemaOf([])).toMatchObject({ $comment: 'in 0 of 0 clients' })
})
