import type { FieldMapping } from '../../event/field-mapping.ts'
import { modificationTime } from '../../event/modification-time.ts'
import { noTimes, orderWatch } from '../../scan/scan-order.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { ClientRecord } from '../../source/client-source.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'
import { textAt } from './judge-page.ts'

interface OfScan extends Pick<ScanSettings, 'timeZone' | 'overlapMs'> {
  readonly mapping: FieldMapping | undefined
  /** When the scan began, by the server's clock in ms since 1970. */
  readonly startedAt: number
}

/** Whether the first pages of a scan are sorted by the modification time. Pure. */
export function judgeOrder(clients: readonly ClientRecord[], { mapping, startedAt, ...settings }: OfScan): CheckResult {
  const modifiedAt = mapping?.modifiedAt ?? undefined
  if (modifiedAt === undefined) return skipped('requires a modification time')
  const watch = orderWatch(noTimes, settings)
  for (const client of clients) {
    const modified = modificationTime(textAt(client, modifiedAt) ?? '', settings.timeZone)
    if (modified !== undefined) watch.add(modified, startedAt)
  }
  if (watch.order().kind === 'rising') return ok(`${clients.length} clients are sorted by ${modifiedAt}`)
  return warning(
    `pages out of order: clients are not sorted by ${modifiedAt}`,
    'nothing is lost, but a scan whose checkPoint is refused begins again at its start: expect more requests, or set POLARIS_MODIFIED_AT_FIELD to the field by which the server sorts',
  )
}
