import { describe, expect, test } from 'vitest'
import { configuredPaths } from '../../../../connector/event/fields/configured-paths.ts'
import { type FieldAction, type FieldRules, fieldRules } from '../../../../connector/event/fields/field-rules.ts'
import type { ReadingRules } from '../../../../connector/event/read-client.ts'
import type { ClientRecord } from '../../../../connector/source/client-source.ts'

// Rules meet clients in whose records their fields are elsewhere.

const of = (fields: Record<string, FieldAction>, more: Partial<ReadingRules> & Partial<FieldRules> = {}) => {
  const { others = 'keep', ...rules } = more
  return configuredPaths({
    timeZone: 'UTC',
    ignored: new Set<string>(),
    lists: [],
    ...rules,
    fields: fieldRules(others, Object.entries(fields)),
  })
}
const wrapped = { No: '1', Cartes: { Carte: [{ Numero: '17' }] } }
const flat = { No: '1', Cartes: [{ Numero: '17' }] }

describe('a rule that misses its field', () => {
  test.each<[string, Record<string, FieldAction>, ClientRecord]>([
    ['one written for a flat list', { 'Cartes.Numero': 'hmac' }, wrapped],
    ['one written for a wrapped list', { 'Cartes.Carte.Numero': 'drop' }, flat],
    ['one beside a rule for an object above', { 'Cartes.Numero': 'drop', 'Cartes.Carte': 'keep' }, wrapped],
    ['one whose field is an object', { 'Tel.No': 'hmac' }, { Tel: { Fixe: { No: { '#text': '1', t: 'x' } } } }],
    ['one whose field is a text above it', { 'Tel.Tel': 'hmac' }, { Tel: '0601' }],
  ])('holds the stream: %s', (_, fields, client) => {
    expect(() => of(fields).take([{ No: '0' }, client], [])).toThrow(
      expect.objectContaining({ code: 'source.mapping' }),
    )
  })

  test('is named with the other path and both cures', () => {
    const { take } = of({ 'Cartes.Numero': 'hmac' })
    expect(() => take([wrapped], [])).toThrow(
      'apply event.fields: no client has cartes.numero, but cartes.carte.numero would be published, which no rule names; correct the path, or give cartes.carte.numero a rule (keep)',
    )
    const personal = { Cartes: { 'zoe@x.example': { Numero: '1' } } }
    expect(() => take([personal], [])).toThrow(/but cartes\.\(not shown\)/)
  })

  test.each<[string, Record<string, FieldAction>, ClientRecord, Partial<FieldRules>?]>([
    ['a rule names the other path', { 'Cartes.Numero': 'hmac', 'Cartes.Carte.Numero': 'keep' }, wrapped],
    ['the other path is dropped', { 'Cartes.Numero': 'hmac', 'Cartes.Carte': 'drop' }, wrapped],
    ['the other path is hashed', { 'Cartes.Numero': 'drop', 'Cartes.Carte': 'hmac' }, wrapped],
    ['others are dropped', { 'Cartes.Numero': 'drop', No: 'keep' }, wrapped, { others: 'drop' }],
    ['nothing is there', { 'Cartes.Numero': 'drop' }, { Cartes: { Carte: { Numero: '' } } }],
    ['only the last step is the same', { 'Contact.Nom': 'drop' }, { Nom: 'x', Medecin: { Nom: 'y' } }],
    ['only the first step is the same', { 'Cartes.Numero': 'drop' }, { Cartes: { Carte: { Points: '3' } } }],
    ['the rule keeps', { 'Cartes.Numero': 'keep', Mail: 'drop' }, wrapped],
    ['it has matched', { 'Cartes.Numero': 'drop' }, { Cartes: { Numero: '1', Carte: { Numero: '2' } } }],
  ])('is no concern where %s', (_, fields, client, more) => {
    of(fields, more).take([client], [])
  })

  test('stays matched, also after a restart: another path is another field then', () => {
    const { take } = of({ 'Cartes.Numero': 'hmac' })
    const matched = take([flat], take([{ No: '1' }], []))
    expect(matched).toEqual(['cartes.numero'])
    expect(take([wrapped], matched)).toEqual(matched)
    expect(of({ 'Cartes.Numero': 'hmac' }).take([wrapped], matched)).toEqual(matched)
  })
})

test('the configured paths that no client has are named with their setting, and reported once', () => {
  const types = new Map([['points', 'integer'] as const, ['solde', 'decimal'] as const])
  const rules = { types, ignored: new Set(['age', 'vu.le']), lists: ['Cartes.Carte', 'Tel'] }
  const { take, missing, newlyMissing } = of({ Mail: 'hmac', Fax: 'drop', 'Nom.Usage': 'drop' }, rules)
  const first = take([{ MAIL: '', Points: '3', 'Nom.Usage': 'x' }], [])
  const matched = take([{ Cartes: { Carte: '' }, Vu: [{ Le: 'x' }] }], first)
  const left = ['event.fields: fax', 'event.types: solde', 'polaris.hashIgnore: age', 'polaris.listFields: tel']
  expect(missing(matched)).toEqual(left)
  expect([newlyMissing(matched), newlyMissing(matched)]).toEqual([left, []])
})
