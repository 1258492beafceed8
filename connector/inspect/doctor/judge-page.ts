import { canonicalJson, valueAt } from '../../event/canonical-json.ts'
import { clientRecord, type EventSettings } from '../../event/client-record.ts'
import { type DeadLetterLimit, deadLetterGuard } from '../../event/dead-letter.ts'
import type { FieldMapping } from '../../event/fields/field-mapping.ts'
import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { modificationTime } from '../../event/modification-time.ts'
import { clientReader, type ReadingRules } from '../../event/read-client.ts'
import { noTimes, orderWatch } from '../../scan/scan-order.ts'
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
    'check POLARIS_CODE_MAGASIN, prefixCle and POLARIS_LAST_CHANGED: the server answers for a wrong shop as for an empty one',
  )
}

/** The lists among the fields, which `run` finds likewise. `configured`: those that are set. Pure. */
export function judgeLists(clients: readonly ClientRecord[], configured: readonly string[]): CheckResult {
  const found = newLists(clients, configured)
  if (found.length === 0)
    return ok(configured.length === 0 ? 'no field is a list' : 'no field besides the configured ones')
  return ok(
    `${found.join(', ')}: lists in events once run has found them; to configure: ${listFieldsLine([...configured, ...found])}`,
  )
}

/** The rules by which `run` makes events. */
export interface EventRules {
  readonly settings: EventSettings
  readonly reading: ReadingRules
  readonly limit: DeadLetterLimit
}

/** Which fields hold id and modification time, and whether every client can become an event. */
export function judgeFields(
  clients: readonly ClientRecord[],
  mapping: FieldMapping | undefined,
  rules: EventRules,
): CheckResult {
  if (mapping === undefined) return skipped('requires a page with clients')
  const { clientId, modifiedAt } = mapping
  const { dead, isHeld } = deadLettersOf(clients, mapping, rules)
  if (dead > 0) {
    const cure = 'check POLARIS_CLIENT_ID_FIELD and kafka.maxMessageBytes'
    const detail = `id ${clientId}: ${dead} of ${clients.length} clients would become dead letters`
    if (isHeld) return failed('event.too-many-dead-letters', `${detail}, and run would hold the stream`, cure)
    return warning(detail, cure)
  }
  if (modifiedAt === null) {
    return warning(
      `id ${clientId}, no modification time`,
      'if clients have a modification time, set POLARIS_MODIFIED_AT_FIELD: events then contain it, and the delay of changes is measured',
    )
  }
  return ok(`id ${clientId}, modification time ${modifiedAt}`)
}

/** How many clients cannot become events, and whether their number holds the stream. */
function deadLettersOf(clients: readonly ClientRecord[], mapping: FieldMapping, rules: EventRules) {
  const readClient = clientReader(mapping, [], rules.reading)
  const guard = deadLetterGuard(rules.limit)
  const place = { sequence: 0, readAt: 0, idField: mapping.clientId, previous: '' }
  const kinds = clients.map((client) => clientRecord(readClient(client), place, rules.settings).kind)
  const dead = kinds.filter((kind) => kind === 'dead-letter').length
  return { dead, isHeld: kinds.map((kind) => guard.add(kind)).includes('too-many') }
}

/** Whether a page is the same when it is asked for again after a live scan. A client may have changed meanwhile. */
export function judgeInterleaving(before: readonly ClientRecord[], again: readonly ClientRecord[]): CheckResult {
  const known = new Set(before.map(canonicalJson))
  const same = again.filter((client) => known.has(canonicalJson(client))).length
  if (same * 2 >= known.size) return ok('the second page is the same after a live scan')
  return warning(
    'the second page is another one after a live scan: the server mixes up the scans of one caller',
    'expect no live changes while a backfill, look-back or full scan reads: scans run one after the other',
  )
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

/** The text at a path; undefined if it is absent, empty or not text. */
export function textAt(client: ClientRecord, path: string): string | undefined {
  const value = valueAt(client, path.split('.'))
  return typeof value === 'string' && value !== '' ? value : undefined
}

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
