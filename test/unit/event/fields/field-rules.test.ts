import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  actionOf,
  type FieldAction,
  type FieldRules,
  fieldHash,
  fieldRules,
  minimiser,
} from '../../../../connector/event/fields/field-rules.ts'
import type { ClientRecord, ClientValue } from '../../../../connector/source/client-source.ts'

const rules = (others: FieldRules['others'], fields: Record<string, FieldAction>) =>
  fieldRules(others, Object.entries(fields))
describe('field rules', () => {
  test('apply to what is below a field, unless a longer path has its own', () => {
    const made = rules('keep', { Adresse: 'drop', 'Adresse.Ville': 'keep' })
    const actions = ['nom', 'adresse', 'adresse.rue', 'adresse.ville', 'adresse.ville.x', 'adressee'].map(
      (path) => made && actionOf(made, path),
    )
    expect(actions).toEqual(['keep', 'drop', 'drop', 'keep', 'keep', 'keep'])
  })

  test('are none when every field is kept', () => {
    expect(rules('keep', {})).toBeUndefined()
    expect(rules('keep', { Nom: 'keep', 'Adresse.Rue': 'keep' })).toBeUndefined()
  })

  test('are in lower case', () => {
    const actions = new Map([['adresse.rue', 'drop']])
    expect(rules('keep', { 'Adresse.Rue': 'drop' })).toEqual({ others: 'keep', actions })
    expect(rules('drop', {})).toEqual({ others: 'drop', actions: new Map() })
  })
})

const secret = 'a key of thirty-two characters..'
const hmac = fieldHash(secret)
const expected = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')

const under = (others: 'keep' | 'drop', actions: Record<string, FieldAction>) => (client: ClientRecord) => {
  const rules = fieldRules(others, Object.entries(actions))
  return rules && minimiser(rules, hmac)(client)
}

const client = {
  No: '1',
  Memo: 'x',
  Adresse: { Rue: '1 rue', CodePostal: '01000', Geo: { Lat: '1', Lon: '2' } },
  Cartes: [{ Numero: '17', Points: '3' }, { Numero: '18' }],
  Mails: ['a@x', ''],
}

describe('a minimised client', () => {
  test('lacks dropped fields, also in objects and in the items of lists', () => {
    expect(under('keep', { memo: 'drop', 'Adresse.geo': 'drop', 'CARTES.NUMERO': 'drop' })(client)).toEqual({
      No: '1',
      Adresse: { Rue: '1 rue', CodePostal: '01000' },
      Cartes: [{ Points: '3' }, {}],
      Mails: ['a@x', ''],
    })
  })

  test('has only the listed fields where others are dropped, without objects and lists that would be empty', () => {
    expect(under('drop', { No: 'keep', 'Adresse.CodePostal': 'keep', 'Cartes.Points': 'keep' })(client)).toEqual({
      No: '1',
      Adresse: { CodePostal: '01000' },
      Cartes: [{ Points: '3' }],
    })
    expect(under('drop', { No: 'keep', 'Adresse.Ville': 'keep', 'Cartes.X': 'keep' })(client)).toEqual({ No: '1' })
    expect(under('drop', { No: 'keep', 'Memo.X': 'keep' })(client)).toEqual({ No: '1' })
  })

  test('has the HMAC of a text, of each item of a list, and of the canonical JSON of an object', () => {
    const hashed = under('keep', { Memo: 'hmac', Mails: 'hmac', 'Cartes.Numero': 'hmac', Adresse: 'hmac' })(client)
    expect(hashed).toMatchObject({
      No: '1',
      Memo: expected('x'),
      Mails: [expected('a@x'), ''],
      Cartes: [{ Numero: expected('17'), Points: '3' }, { Numero: expected('18') }],
      Adresse: expected('{"CodePostal":"01000","Geo":{"Lat":"1","Lon":"2"},"Rue":"1 rue"}'),
    })
    expect(expected('x')).toMatch(/^[\w-]{43}$/)
  })

  test.each(['drop', 'hmac'] as const)('has the text of an element under %s, with attributes and without', (action) => {
    const minimised = under('keep', { Mail: action })
    const withAttributes = minimised({ Mail: { '#text': 'x', lang: 'fr' } })
    expect(withAttributes).toEqual(minimised({ Mail: 'x' }))
    expect(JSON.stringify(withAttributes)).not.toContain('fr')
    const several = minimised({ Mail: [{ '#text': 'x', lang: 'fr' }, 'y'] })
    expect(several).toEqual(minimised({ Mail: ['x', 'y'] }))
  })

  test('has of an element the attributes that have a rule', () => {
    const client = { Mail: { '#text': 'x', lang: 'fr', valide: 'oui' } }
    expect(under('keep', { Mail: 'drop', 'Mail.lang': 'keep' })(client)).toEqual({ Mail: { lang: 'fr' } })
    expect(under('drop', { Mail: 'keep', 'Mail.lang': 'drop' })(client)).toEqual({
      Mail: { '#text': 'x', valide: 'oui' },
    })
    expect(under('keep', { 'Mail.lang': 'hmac' })(client)).toEqual({
      Mail: { '#text': 'x', lang: expected('fr'), valide: 'oui' },
    })
  })

  test('may have a field with any name', () => {
    const record = JSON.parse('{"__proto__":"1","constructor":"2","No":"3"}')
    expect(JSON.stringify(under('keep', { No: 'drop' })(record))).toBe('{"__proto__":"1","constructor":"2"}')
    expect(under('keep', { Constructor: 'drop' })(record)).toEqual(JSON.parse('{"__proto__":"1","No":"3"}'))
  })

  test('has the same HMAC of an object whether a list of one in it is known as a list or not, and none of nothing', () => {
    const hashed = under('keep', { Cartes: 'hmac' })
    const hashOf = (Cartes: ClientValue) => hashed({ Cartes })?.Cartes
    expect(hashOf({ Carte: [{ Numero: '17' }] })).toBe(hashOf({ Carte: { Numero: '17' } }))
    expect([hashOf(''), hashOf({ Carte: [] }), hashOf({ Carte: ['', ''] }), hashOf([])]).toEqual(['', '', '', []])
  })
})
