import { type FieldHash, KEY_ID_CHARACTERS } from './field-hash.ts'
import { type FieldRules, fieldActions, fieldRulesText, hasHmac } from './field-rules.ts'

/**
 * The extension attributes of an event that does not contain the whole client, as JSON members, each with a comma. Their
 * names are those that CloudEvents allows: lower-case letters and digits.
 */
export function fieldAttributes(fields: FieldRules | undefined, hmac: FieldHash | undefined): string {
  if (fields === undefined) return ''
  const rules = `"fieldrules":${JSON.stringify(fieldRulesText(fields))},`
  return hmac === undefined || !hasHmac(fields) ? rules : `${rules}"hmackeyid":"${hmac.keyId}",`
}

/** Their JSON Schemas. Both are optional. */
export const fieldAttributeSchemas = {
  fieldrules: {
    description:
      'Which fields of the client are dropped or hashed: path=action, separated by commas. Paths are in lower case and compared without case; a list adds no level. *=drop: all fields without a rule.',
    type: 'string',
    pattern: `^[^,=]+=(${fieldActions.join('|')})(,[^,=]+=(${fieldActions.join('|')}))*$`,
  },
  hmackeyid: {
    description: 'The key of the HMACs. Compare hashed values only if it is equal.',
    type: 'string',
    pattern: `^[A-Za-z0-9_-]{${KEY_ID_CHARACTERS}}$`,
  },
} as const
