import { canonicalJson, valueAt } from '../../event/canonical-json.ts'
import { type DeadLetterCode, deadLetterGuard } from '../../event/dead-letter.ts'
import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { modificationTime } from '../../event/modification-time.ts'
import { type FieldMapping, shownFields } from '../../event/page-mapping.ts'
import { isClientId, similarIds } from '../../event/read-client.ts'
import { HOUR_MS } from '../../runtime/clock.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import {
  type ClientRecord,
  type Page,
  type ReadArguments,
  type SourceTime,
  shownPath,
} from '../../source/client-source.ts'
import { offsetAt, serverTimeText } from '../../source/source-time.ts'
import { type CheckResult, failedResult, okResult, skippedResult, warningResult } from './doctor-parts.ts'

/**
 * Tells what the first page contained and how long it took. `beginAt` is the beginning of the stream, if it is
 * configured.
 */
export function judgePage(page: Page, at: ReadArguments, beginAt: SourceTime | undefined): CheckResult {
  const { clients, bytes, tookMs, hasMoreResults } = page
  const more = hasMoreResults ? 'more results follow' : 'no more results'
  const detail = `${clients.length} clients since ${serverTimeText(at.lastChanged)} (${at.output}, ${bytes} bytes, ${Math.round(tookMs)} ms), ${more}`
  if (clients.length > 0 || hasMoreResults || beginAt === undefined) return okResult(detail)
  return warningResult(
    detail,
    'check POLARIS_CODE_MAGASIN, POLARIS_PREFIX_CLE and POLARIS_LAST_CHANGED: the server answers for a wrong shop as for an empty one',
  )
}

/** Tells where the parts of the first page are, and which other objects and lists are disregarded. */
export function judgeLayout({ layout }: Page): CheckResult {
  if (layout === undefined) return skippedResult('requires a page')
  const { flag, token, clients, disregarded } = layout
  const place = (path: readonly string[] | undefined) => (path === undefined ? 'absent' : shownPath(path))
  const others = disregarded.map(({ path, why }) => `${shownPath(path)} (${why})`)
  return okResult(
    `hasMoreResults: ${place(flag)}, checkPoint: ${place(token)}, clients: ${place(clients)}; disregarded: ${others.slice(0, 20).join(', ') || 'nothing'}`,
  )
}

/** Tells which fields hold id and modification time, and which others there are. */
export function judgeFields(clients: readonly ClientRecord[], mapping: FieldMapping | undefined): CheckResult {
  if (mapping === undefined) return skippedResult('requires a page with clients')
  const { clientId, modifiedAt } = mapping
  const names = shownFields(clients)
  if (modifiedAt !== null) return okResult(`id ${clientId}, modification time ${modifiedAt}; all fields: ${names}`)
  return warningResult(
    `id ${clientId}, no modification time; all fields: ${names}`,
    'if one of these is the modification time, set POLARIS_MODIFIED_AT_FIELD: events then have it as their time',
  )
}

/** Judges whether subscribers may take clients for one. Invariant 8: no client id is printed. */
export function judgeIds(clients: readonly ClientRecord[], mapping: FieldMapping | undefined): CheckResult {
  if (mapping === undefined) return skippedResult('requires the field of the id')
  const path = mapping.clientId.split('.')
  const groups = similarIds(() => clients.map((client) => valueAt(client, path)).filter(isClientId))
  if (groups.length === 0) return okResult('none that differ only in white space or case')
  return warningResult(
    `groups of ids that differ only in white space or case: ${groups.length}`,
    'check that subscribers compare ids as they are; audit --ids similar prints those of all clients',
  )
}

/** Judges how many of the clients cannot become events, and whether `run` would hold the stream because of them. */
export function judgeDeadLetters(codes: readonly (DeadLetterCode | undefined)[]): CheckResult {
  const guard = deadLetterGuard()
  const isHeld = codes.some((code) => guard.add(code === undefined ? 'event' : 'dead-letter') === 'too-many')
  const counts = Map.groupBy(
    codes.filter((code) => code !== undefined),
    (code) => code,
  )
  if (counts.size === 0) return okResult('each client can become an event')
  const shown = [...counts].map(([code, some]) => `${code}: ${some.length}`).join(', ')
  const detail = `clients that cannot become events: ${shown} of ${codes.length}`
  if (isHeld) return failedResult('event.too-many-dead-letters', detail)
  return warningResult(
    detail,
    'check POLARIS_CLIENT_ID_FIELD and KAFKA_MAX_MESSAGE_BYTES; audit reports them as dead letters',
  )
}

/**
 * Tells the lists among the fields, which `run` settles before the first event. `configured` are those that are set.
 */
export function judgeLists(clients: readonly ClientRecord[], configured: readonly string[]): CheckResult {
  const found = newLists(clients, configured)
  if (found.length === 0) return okResult('no field besides the configured ones')
  const line = listFieldsLine([...configured, ...found])
  return okResult(`${found.join(', ')}: lists in events once run has found them; to configure: ${line}`)
}

/** Judges whether a page is the same after pages of another scan. A client may have changed meanwhile. */
export function judgeInterleaving(
  before: readonly ClientRecord[],
  again: readonly ClientRecord[],
  backfill: ScanSettings['backfill'],
): CheckResult {
  const known = new Set(before.map(canonicalJson))
  const same = again.filter((client) => known.has(canonicalJson(client))).length
  if (same * 2 >= known.size) return okResult('the second page is the same after pages of another scan')
  const detail = 'the second page differs after pages of another scan: the server mixes the scans of one caller'
  if (backfill === 'before') return okResult(`${detail}; poll.backfill: before is set`)
  return failedResult('config.invalid', detail, 'set poll.backfill: before (POLL_BACKFILL=before)')
}

const MAX_SKEW_MS = 60_000

/** Judges the difference between the server's clock and that of this machine. */
export function judgeServerClock({ serverTime }: Page, now: number): CheckResult {
  if (serverTime === undefined) {
    return warningResult(
      'the response has no Date header: the clock of this machine is used',
      'configure the server or its proxy to send a Date header',
    )
  }
  const seconds = Math.round((serverTime - now) / 1000)
  const detail = seconds === 0 ? 'same as this machine' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  if (Math.abs(serverTime - now) <= MAX_SKEW_MS) return okResult(detail)
  return warningResult(
    detail,
    'synchronize both clocks: scans use the clock of the server, but delays and log times will be wrong',
  )
}

/** The clients modified in the last day. */
export interface LastDay {
  readonly clients: readonly ClientRecord[]
  /** Whether all of them were read. */
  readonly isComplete: boolean
  /** The last day ends at this time of the server's clock, in ms since 1970. */
  readonly now: number
}

const MAX_AHEAD_MS = 60_000
/** Modification times that are wrong by an offset are this close to whole hours. */
const TOLERANCE_MS = 300_000
/** Offsets of two zones differ by at most 26 hours; most shops and servers are much closer. */
const MAX_OFF_HOURS = 14

/** Judges whether the modification times are plausible in the configured time zone. Pure. */
export function judgeTimeZone(
  { clients, isComplete, now }: LastDay,
  mapping: FieldMapping | undefined,
  timeZone: string,
): CheckResult {
  if (!mapping?.modifiedAt) return skippedResult('requires a modification time')
  const path = mapping.modifiedAt.split('.')
  const times = clients
    .flatMap((client) => modificationTime(String(valueAt(client, path)), timeZone) ?? [])
    .toSorted((one, other) => other.instant - one.instant)
  if (clients.length > 0 && times.length === 0)
    return warningResult(`no time in ${mapping.modifiedAt} can be parsed`, 'check POLARIS_MODIFIED_AT_FIELD')
  const [newest, next] = times.filter(({ hasTimeOfDay }) => hasTimeOfDay)
  if (newest === undefined) return okResult(`${timeZone}; no modification time of the last day to compare`)
  const offMs = newest.instant - now
  const minutes = Math.round(Math.abs(offMs) / 60_000)
  const away = minutes === 0 ? 'now' : `${minutes} min ${offMs > 0 ? 'in the future' : 'ago'}`
  const detail = `${timeZone}; newest modification read ${serverTimeText(newest.wallClock)}, ${away}`
  const hours = Math.round(offMs / HOUR_MS)
  const isWhole = hours !== 0 && Math.abs(hours) <= MAX_OFF_HOURS && Math.abs(offMs - hours * HOUR_MS) <= TOLERANCE_MS
  // The newest change may be some hours old by chance where changes are rare.
  const isFrequent = next !== undefined && next.instant > newest.instant - HOUR_MS
  if (isWhole && isFrequent && (isComplete || hours > 0)) {
    const offset = offsetAt(now, timeZone) / HOUR_MS + hours
    const zone = `UTC${offset === 0 ? '' : `${offset > 0 ? '+' : ''}${offset}`}`
    const hint = `if clients are being modified now, set POLARIS_TIME_ZONE to the zone of the server: its time is ${zone} now`
    return warningResult(`${detail}: the modification times look like ${zone}`, hint)
  }
  return offMs > MAX_AHEAD_MS ? warningResult(detail, 'check POLARIS_TIME_ZONE') : okResult(detail)
}
