import type { FieldRules } from '../../event/field-rules.ts'
import { missingFields } from '../../event/missing-fields.ts'
import type { ClientRecord } from '../../source/client-source.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'

/** Whether the clients have the configured fields: a misspelled one might be published. */
export function judgeEventFields(clients: readonly ClientRecord[], rules: FieldRules): CheckResult {
  if (clients.length === 0) return skipped('requires a page with clients')
  const missing = missingFields(rules, clients)
  if (missing.length === 0) return ok(`all found in ${clients.length} clients`)
  const instead = rules.others === 'keep' ? 'published' : 'dropped'
  return warning(
    `none of ${clients.length} clients has ${missing.join(', ')}`,
    `compare event.fields with the output of doctor --fields: a misspelled field is ${instead}`,
  )
}
