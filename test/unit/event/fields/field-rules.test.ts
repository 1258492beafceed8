import { describe, expect, test } from 'vitest'
import {
  actionOf,
  type FieldAction,
  type FieldRules,
  fieldRules,
  fieldRulesText,
} from '../../../../connector/event/fields/field-rules.ts'

const rules = (others: FieldRules['others'], fields: Record<string, FieldAction>) =>
  fieldRules(others, Object.entries(fields))
const text = (...args: Parameters<typeof rules>) => {
  const made = rules(...args)
  return made && fieldRulesText(made)
}

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

  test.each([
    ['keep', { Mail: 'hmac', 'Adresse.Rue': 'drop', Nom: 'keep' }, 'adresse.rue=drop,mail=hmac'],
    ['drop', { No: 'keep', Mail: 'hmac', Memo: 'drop' }, '*=drop,mail=hmac,no=keep'],
    ['keep', { 'A.B': 'drop', A: 'drop', 'A.C': 'keep' }, 'a=drop,a.c=keep'],
    ['drop', {}, '*=drop'],
  ] as const)('have the same text however they are written: others %s, %j', (others, fields, expected) => {
    expect(text(others, fields)).toBe(expected)
    expect(text(others, Object.fromEntries(Object.entries(fields).toReversed()))).toBe(expected)
  })
})
