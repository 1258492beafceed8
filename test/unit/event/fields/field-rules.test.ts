import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  actionOf,
  beforeHmac,
  type FieldAction,
  type FieldRules,
  fieldActions,
  fieldRules,
  fieldRulesOf,
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

  test('of the content hash say nothing about HMACs', () => {
    const hashing = rules('keep', { Mail: 'hmac', Memo: 'drop' })
    expect(hashing && beforeHmac(hashing)).toEqual(rules('keep', { Memo: 'drop' }))
    const listed = rules('drop', { No: 'keep', Mail: 'hmac' })
    expect(listed && beforeHmac(listed)).toEqual(rules('drop', { No: 'keep', Mail: 'keep' }))
    const onlyHmac = rules('keep', { Mail: 'hmac' })
    expect(onlyHmac && beforeHmac(onlyHmac)).toBeUndefined()
  })

  test('can be read from their text', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
      .map((names) => names.join('.'))
    const fields = fc.dictionary(path, fc.constantFrom(...fieldActions))
    fc.assert(
      fc.property(fc.constantFrom('keep' as const, 'drop' as const), fields, (others, actions) => {
        const made = rules(others, actions)
        if (made !== undefined) expect(fieldRulesOf(fieldRulesText(made))).toEqual(made)
      }),
    )
  })
})
