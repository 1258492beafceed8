import { createHmac, createSecretKey } from 'node:crypto'
import { type ClientRecord, type ClientValue, isList, recordOf, TEXT_FIELD } from '../../source/client-source.ts'
import { canonicalJson, collapsedValue } from '../canonical-json.ts'

/** What happens to a field, and to what is below it without a rule of its own, before a client leaves the process. */
export type FieldAction = 'keep' | 'drop' | 'hmac'
export const fieldActions = ['keep', 'drop', 'hmac'] as const satisfies readonly FieldAction[]

/** Which fields of a client its event contains (docs/decisions/20261125-contents-of-an-event.md). */
export interface FieldRules {
  /** It applies to the fields without a rule. */
  readonly others: 'keep' | 'drop'
  /** The actions by dotted path in lower case. A list adds no level to a path. */
  readonly actions: ReadonlyMap<string, FieldAction>
}

/** Returns the rules; undefined if every field is kept. */
export function fieldRules(
  others: FieldRules['others'],
  fields: Iterable<readonly [path: string, action: FieldAction]>,
): FieldRules | undefined {
  const actions = new Map([...fields].map(([path, action]) => [path.toLowerCase(), action]))
  return others === 'keep' && [...actions.values()].every((action) => action === 'keep')
    ? undefined
    : { others, actions }
}

/** Returns the path of a field, in lower case. The text of an element is at the path of the element. */
export function pathBelow(path: string, name: string): string {
  if (name === TEXT_FIELD) return path
  return `${path}${path === '' ? '' : '.'}${name.toLowerCase()}`
}

/** Returns what happens to the field at a path (in lower case). */
export function actionOf(rules: FieldRules, path: string): FieldAction {
  const parent = path.slice(0, Math.max(path.lastIndexOf('.'), 0))
  return rules.actions.get(path) ?? (parent === '' ? rules.others : actionOf(rules, parent))
}

export const hasHmac = ({ actions }: FieldRules): boolean => [...actions.values()].includes('hmac')

/** Returns the HMAC-SHA-256 of a text under one key, as base64url. */
export type FieldHash = (text: string) => string

export function fieldHash(key: string): FieldHash {
  const secret = createSecretKey(key, 'utf8')
  return (text) => createHmac('sha256', secret).update(text).digest('base64url')
}

interface MinimiserParts {
  readonly actions: FieldRules['actions']
  readonly hmac: FieldHash | undefined
}

/** The place of a value: its path, and what happens to what has no rule of its own there. */
interface Place {
  readonly path: string
  readonly action: FieldAction
}

/**
 * Returns a function that makes a client without its dropped fields and with the HMAC of others. Where fields are
 * dropped by default, an object or a list of which nothing is kept is left out. Without `hmac`, fields are not hashed.
 */
export function minimiser(
  { others, actions }: FieldRules,
  hmac: FieldHash | undefined,
): (client: ClientRecord) => ClientRecord {
  return (client) => minimisedRecord(client, { path: '', action: others }, { actions, hmac })
}

function minimisedRecord(record: ClientRecord, at: Place, how: MinimiserParts): ClientRecord {
  const kept: [string, ClientValue][] = []
  for (const key of Object.keys(record)) {
    const path = pathBelow(at.path, key)
    const action = how.actions.get(path) ?? at.action
    const value = minimisedValue(record[key] ?? '', { path, action }, how)
    if (value !== undefined) kept.push([key, value])
  }
  return recordOf(kept)
}

function minimisedValue(value: ClientValue, at: Place, how: MinimiserParts): ClientValue | undefined {
  const { action } = at
  if (action === 'hmac') return how.hmac === undefined ? value : hashedValue(value, how.hmac)
  if (typeof value === 'string') return action === 'keep' ? value : undefined
  const kept = isList(value)
    ? value.map((item) => minimisedValue(item, at, how)).filter((item) => item !== undefined)
    : minimisedRecord(value, at, how)
  return action === 'drop' && Object.keys(kept).length === 0 ? undefined : kept
}

/**
 * Hashes a value, the items of a list one by one, and an element with attributes as its text alone, so that it has the
 * HMAC of an element without. An HMAC does not depend on what is known as a list; an empty text shows nothing.
 */
function hashedValue(value: ClientValue, hmac: FieldHash): ClientValue {
  if (isList(value)) return value.map((item) => hashedValue(item, hmac))
  if (value === '') return value
  if (typeof value === 'string') return hmac(value)
  const { [TEXT_FIELD]: text } = value
  if (text !== undefined) return hashedValue(text, hmac)
  const whole = collapsedValue(value)
  return whole === '' ? whole : hmac(canonicalJson(whole))
}
