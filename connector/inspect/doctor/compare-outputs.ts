import { canonicalJson, valueAt } from '../../event/canonical-json.ts'
import type { ClientRecord, OutputFormat } from '../../source/client-source.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'

/** Whether XML and JSON say the same about the clients that both pages hold. Invariant 8: names of fields only. */
export function compareOutputs(
  { xml, json }: { readonly [Output in OutputFormat]?: readonly ClientRecord[] },
  clientId: string,
): CheckResult {
  const path = clientId.split('.')
  const byId = new Map((json ?? []).map((client) => [valueAt(client, path), client]))
  const pairs = (xml ?? []).flatMap((client) => {
    const other = byId.get(valueAt(client, path))
    return other === undefined ? [] : [{ xml: client, json: other }]
  })
  if (pairs.length === 0) return skipped('requires a client in both pages')
  const fields = new Set(pairs.flatMap((pair) => [...Object.keys(pair.xml), ...Object.keys(pair.json)]))
  const differing = [...fields].filter((field) =>
    pairs.some((pair) => textOf(pair.xml[field]) !== textOf(pair.json[field])),
  )
  const compared = `xml and json of ${pairs.length} clients`
  if (differing.length === 0) return ok(`${compared} are equal`)
  return warning(
    `${compared} differ in ${differing.join(', ')}`,
    'keep POLARIS_OUTPUT once the stream has events: a change of it would publish these clients again; if a field is a list in one of them, add it to POLARIS_LIST_FIELDS',
  )
}

const textOf = (value: ClientRecord[string] | undefined) => (value === undefined ? undefined : canonicalJson(value))
