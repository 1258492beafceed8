import { createHmac, createSecretKey } from 'node:crypto'

/** What happens to a field, and to what is below it without a rule of its own, before a client leaves the process. */
export type FieldAction = 'keep' | 'drop' | 'hmac'
export const fieldActions = ['keep', 'drop', 'hmac'] as const satisfies readonly FieldAction[]

/** Which fields of a client its event contains. */
export interface FieldRules {
  /** For the fields without a rule. */
  readonly others: 'keep' | 'drop'
  /** By dotted path in lower case. A list adds no level to a path. */
  readonly actions: ReadonlyMap<string, FieldAction>
}

/** Undefined if every field is kept. */
export function fieldRules(
  others: FieldRules['others'],
  fields: Iterable<readonly [path: string, action: FieldAction]>,
): FieldRules | undefined {
  const actions = new Map([...fields].map(([path, action]) => [path.toLowerCase(), action]))
  return others === 'keep' && [...actions.values()].every((action) => action === 'keep')
    ? undefined
    : { others, actions }
}

/** What happens to the field at a path (in lower case). */
export function actionOf(rules: FieldRules, path: string): FieldAction {
  const parent = path.slice(0, Math.max(path.lastIndexOf('.'), 0))
  return rules.actions.get(path) ?? (parent === '' ? rules.others : actionOf(rules, parent))
}

export const hasHmac = ({ actions }: FieldRules): boolean => [...actions.values()].includes('hmac')

/** HMAC-SHA-256 of a text under one key, base64url. */
export type FieldHash = (text: string) => string

export function fieldHash(key: string): FieldHash {
  const secret = createSecretKey(key, 'utf8')
  return (text) => createHmac('sha256', secret).update(text).digest('base64url')
}
