import { canonicalJson } from '../../event/canonical-json.ts'
import type { FieldMapping } from '../../event/fields/field-mapping.ts'
import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { ClientRecord, Page, ReadArguments, SourceTime } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import { type CheckResult, failed, ok, skipped, warning } from './finding.ts'

/** What the first page contained and how long it took. `beginAt`: the beginning of the stream, if it is configured. */
export function judgePage(page: Page, at: ReadArguments, beginAt: SourceTime | undefined): CheckResult {
  const { clients, bytes, tookMs, hasMoreResults } = page
  const more = hasMoreResults ? 'more results follow' : 'no more results'
  const detail = `${clients.length} clients since ${serverTimeText(at.lastChanged)} (${at.output}, ${bytes} bytes, ${Math.round(tookMs)} ms), ${more}`
  if (clients.length > 0 || hasMoreResults || beginAt === undefined) return ok(detail)
  return warning(
    detail,
    'check POLARIS_CODE_MAGASIN, POLARIS_PREFIX_CLE and POLARIS_LAST_CHANGED: the server answers for a wrong shop as for an empty one',
  )
}

/** Which fields hold id and modification time, and which others there are. */
export function judgeFields(clients: readonly ClientRecord[], mapping: FieldMapping | undefined): CheckResult {
  if (mapping === undefined) return skipped('requires a page with clients')
  const { clientId, modifiedAt } = mapping
  const names = [...new Set(clients.flatMap((client) => Object.keys(client)))].join(', ')
  if (modifiedAt !== null) return ok(`id ${clientId}, modification time ${modifiedAt}; all fields: ${names}`)
  return warning(
    `id ${clientId}, no modification time; all fields: ${names}`,
    'if one of these is the modification time, set POLARIS_MODIFIED_AT_FIELD: events then have it as their time',
  )
}

/** The lists among the fields, which `run` settles before the first event. `configured`: those that are set. */
export function judgeLists(clients: readonly ClientRecord[], configured: readonly string[]): CheckResult {
  const found = newLists(clients, configured)
  if (found.length === 0) return ok('no field besides the configured ones')
  const line = listFieldsLine([...configured, ...found])
  return ok(`${found.join(', ')}: lists in events once run has found them; to configure: ${line}`)
}

/** Whether a page is the same after pages of another scan. A client may have changed meanwhile. */
export function judgeInterleaving(
  before: readonly ClientRecord[],
  again: readonly ClientRecord[],
  backfill: ScanSettings['backfill'],
): CheckResult {
  const known = new Set(before.map(canonicalJson))
  const same = again.filter((client) => known.has(canonicalJson(client))).length
  if (same * 2 >= known.size) return ok('the second page is the same after pages of another scan')
  const detail = 'the second page differs after pages of another scan: the server mixes the scans of one caller'
  if (backfill === 'before') return ok(`${detail}; poll.backfill: before is set`)
  return failed('config.invalid', detail, 'set poll.backfill: before (POLL_BACKFILL=before)')
}

const MAX_SKEW_MS = 60_000

/** The difference between the server's clock and that of this machine. */
export function judgeServerClock({ serverTime }: Page, now: number): CheckResult {
  if (serverTime === undefined) {
    return warning(
      'the response has no Date header: the clock of this machine is used',
      'configure the server or its proxy to send a Date header',
    )
  }
  const seconds = Math.round((serverTime - now) / 1000)
  const detail = seconds === 0 ? 'same as this machine' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  if (Math.abs(serverTime - now) <= MAX_SKEW_MS) return ok(detail)
  return warning(
    detail,
    'synchronize both clocks: scans use the clock of the server, but delays and log times will be wrong',
  )
}
