import { createHmac, createSecretKey } from 'node:crypto'
/** What happens to a field, and to what is below it without a rule of its own, before a client leaves the process. */
export type FieldAction = 'keep' | 'drop' | 'hmac'
export const fieldActions = ['keep', 'drop', 'hmac'] as const satisfies readonly FieldAction[]

/** Which fields of a client its event contains. */
export interface FieldRules {
  /** For the fields without a rule. */
  readonly others: 'keep' | 'drop'
  /** By dotted path in lower case, parents first. A list adds no level to a path. Without rules that change nothing. */
  readonly actions: ReadonlyMap<string, FieldAction>
}

/** Undefined if every field is kept. */
export function fieldRules(
  others: FieldRules['others'],
  fields: Iterable<readonly [path: string, action: FieldAction]>,
): FieldRules | undefined {
  const sorted = [...fields].map(([path, action]) => [path.toLowerCase(), action] as const).toSorted(byPath)
  const actions = new Map<string, FieldAction>()
  for (const [path, action] of sorted) if (action !== actionOf({ others, actions }, path)) actions.set(path, action)
  return others === 'keep' && actions.size === 0 ? undefined : { others, actions }
}

const byPath = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) => (one < other ? -1 : 1)

/** What happens to the field at a path (in lower case). */
export function actionOf(rules: FieldRules, path: string): FieldAction {
  const parent = path.slice(0, Math.max(path.lastIndexOf('.'), 0))
  return rules.actions.get(path) ?? (parent === '' ? rules.others : actionOf(rules, parent))
}

export const hasHmac = ({ actions }: FieldRules): boolean => [...actions.values()].includes('hmac')

/** As in the attribute `fieldrules` of an event: `*=drop,adresse.ville=keep,mail=hmac`. */
export function fieldRulesText({ others, actions }: FieldRules): string {
  const rules = [...actions].map(([path, action]) => `${path}=${action}`)
  return (others === 'keep' ? rules : ['*=drop', ...rules]).join(',')
}

/** The HMAC of field values under one key. */
export interface FieldHash {
  /** Identifies the key, of which it is an HMAC. */
  readonly keyId: string
  /** HMAC-SHA-256, base64url. */
  of(text: string): string
}

/** What the key id is the HMAC of. */
const KEY_ID_TEXT = 'key-id'
const KEY_ID_CHARACTERS = 8

export function fieldHash(key: string): FieldHash {
  const secret = createSecretKey(key, 'utf8')
  const of = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')
  return { keyId: of(KEY_ID_TEXT).slice(0, KEY_ID_CHARACTERS), of }
}

/**
 * The extension attributes of an event that does not contain the whole client. Their names are those that CloudEvents
 * allows: lower-case letters and digits.
 */
export function fieldAttributes(
  fields: FieldRules | undefined,
  hmac: FieldHash | undefined,
): Readonly<Record<string, string>> {
  if (fields === undefined) return {}
  const fieldrules = fieldRulesText(fields)
  return hmac === undefined || !hasHmac(fields) ? { fieldrules } : { fieldrules, hmackeyid: hmac.keyId }
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
