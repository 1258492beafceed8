import { isListOfOne } from '../../event/fields/minimise.ts'
import type { ReadingRules } from '../../event/read-client.ts'
import type { ClientRecord, ClientValue } from '../../source/client-source.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'

/** Whether the clients have the fields with a rule or a type: a misspelled one might be published. */
export function judgeEventFields(
  clients: readonly ClientRecord[],
  { fields, types }: Pick<ReadingRules, 'fields' | 'types'>,
): CheckResult {
  if (clients.length === 0) return skipped('requires a page with clients')
  const paths = new Set([...(fields?.actions.keys() ?? []), ...(types?.keys() ?? [])])
  const missing = [...paths].filter((path) => !clients.some((client) => hasField(client, path.split('.'))))
  if (missing.length === 0) return ok(`all found in ${clients.length} clients`)
  const instead = fields?.others === 'drop' ? 'dropped' : 'published'
  return warning(
    `none of ${clients.length} clients has ${missing.join(', ')}`,
    `compare event.fields and event.types with the output of doctor --fields: a misspelled field is ${instead}`,
  )
}

/** The path is in lower case; a list adds no level to it. */
function hasField(value: ClientValue, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true
  if (typeof value === 'string') return false
  if (isList(value)) return value.some((item) => hasField(item, [name, ...rest]))
  const isOne = isListOfOne(value, Object.keys(value))
  return Object.entries(value).some(
    ([key, field]) =>
      (key.toLowerCase() === name && hasField(field, rest)) || (isOne && hasField(field, [name, ...rest])),
  )
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}
