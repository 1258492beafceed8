import { describe, expect, test } from 'vitest'
import {
  actionOf,
  type FieldAction,
  type FieldRules,
  fieldRules,
} from '../../../../connector/event/fields/field-rules.ts'

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
