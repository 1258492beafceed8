import { type ClientRecord, type ClientValue, isList, recordOf } from '../../source/client-source.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { FieldAction, FieldHash, FieldRules } from './field-rules.ts'

/** The rules by level; a field without a branch has the action of its parent. */
interface Branch {
  readonly action: FieldAction
  readonly below: Map<string, Branch>
}

/**
 * Returns a function that makes a client without its dropped fields and with the HMAC of others. Where fields are
 * dropped by default, an object or a list of which nothing is kept is left out. Without `hmac`, fields are not hashed.
 */
export function minimiser(rules: FieldRules, hmac: FieldHash | undefined): (client: ClientRecord) => ClientRecord {
  const root = branchesOf(rules)
  return (client) => minimised(client, root, hmac)
}

function branchesOf({ others, actions }: FieldRules): Branch {
  const root: Branch = { action: others, below: new Map() }
  for (const [path, action] of actions) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    const parent = names.reduce((branch, name) => {
      const next = branch.below.get(name) ?? { action: branch.action, below: new Map() }
      branch.below.set(name, next)
      return next
    }, root)
    parent.below.set(last, { action, below: new Map() })
  }
  return root
}

function minimised(record: ClientRecord, branch: Branch, hmac: FieldHash | undefined): ClientRecord {
  const kept: [string, ClientValue][] = []
  const keys = Object.keys(record)
  const other = isListOfOne(record, keys) ? branch : withoutBranches[branch.action]
  for (const key of keys) {
    const value = record[key]
    const own = branch.below.get(key.toLowerCase())
    const left = value === undefined ? undefined : valueUnder(value, own ?? other, hmac)
    if (left !== undefined) kept.push([key, left])
  }
  return recordOf(kept)
}

/** XML shows a list of one item, if it is not configured as a list, as an object with one field that is the item. */
function isListOfOne(record: ClientRecord, keys: readonly string[]): boolean {
  const [only] = keys
  return keys.length === 1 && only !== undefined && typeof record[only] !== 'string'
}

const leaf = (action: FieldAction): Branch => ({ action, below: new Map() })
const withoutBranches = { keep: leaf('keep'), drop: leaf('drop'), hmac: leaf('hmac') } as const

function valueUnder(value: ClientValue, branch: Branch, hmac: FieldHash | undefined): ClientValue | undefined {
  const { action, below } = branch
  if (action === 'hmac') return hmac === undefined ? value : hashed(value, hmac)
  if (below.size === 0 || typeof value === 'string') return action === 'keep' ? value : undefined
  const left = isList(value)
    ? value.map((item) => valueUnder(item, branch, hmac)).filter((item) => item !== undefined)
    : minimised(value, branch, hmac)
  return action === 'drop' && Object.keys(left).length === 0 ? undefined : left
}

/** The items of a list one by one: XML does not distinguish a list of one item. An empty text shows nothing. */
function hashed(value: ClientValue, hmac: FieldHash): ClientValue {
  if (value === '') return value
  if (typeof value === 'string') return hmac.of(value)
  return isList(value) ? value.map((item) => hashed(item, hmac)) : hmac.of(canonicalJson(value))
}
