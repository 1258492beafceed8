import { valueAt } from '../../event/canonical-json.ts'
import type { FieldMapping } from '../../event/fields/field-mapping.ts'
import { modificationTime } from '../../event/modification-time.ts'
import { HOUR_MS } from '../../runtime/clock.ts'
import { serverTimeText } from '../../source/source-time.ts'
import { offsetAt } from '../../source/zone-offset.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'
import type { Sample } from './sample.ts'

/** The clients modified in the last day. */
export interface LastDay extends Pick<Sample, 'clients' | 'isComplete'> {
  /** By the server's clock, in ms since 1970. */
  readonly now: number
}

const MAX_AHEAD_MS = 60_000
/** Modification times that are wrong by an offset are so close to whole hours. */
const TOLERANCE_MS = 300_000
/** Offsets of two zones differ by at most 26 hours; most shops and servers are much closer. */
const MAX_OFF_HOURS = 14

/** Whether the modification times are plausible in the configured time zone. Pure. */
export function judgeTimeZone(
  { clients, isComplete, now }: LastDay,
  mapping: FieldMapping | undefined,
  timeZone: string,
): CheckResult {
  if (!mapping?.modifiedAt) return skipped('requires a modification time')
  const path = mapping.modifiedAt.split('.')
  const times = clients
    .flatMap((client) => modificationTime(String(valueAt(client, path)), timeZone) ?? [])
    .toSorted((one, other) => other.instant - one.instant)
  if (clients.length > 0 && times.length === 0)
    return warning(`no time in ${mapping.modifiedAt} can be parsed`, 'check POLARIS_MODIFIED_AT_FIELD')
  const [newest, next] = times.filter(({ hasTimeOfDay }) => hasTimeOfDay)
  if (newest === undefined) return ok(`${timeZone}; no modification time of the last day to compare`)
  const offMs = newest.instant - now
  const minutes = Math.round(Math.abs(offMs) / 60_000)
  const away = minutes === 0 ? 'now' : `${minutes} min ${offMs > 0 ? 'in the future' : 'ago'}`
  const detail = `${timeZone}; newest modification read ${serverTimeText(newest.wallClock)}, ${away}`
  const hours = Math.round(offMs / HOUR_MS)
  const isWhole = hours !== 0 && Math.abs(hours) <= MAX_OFF_HOURS && Math.abs(offMs - hours * HOUR_MS) <= TOLERANCE_MS
  // With rare changes, the newest may be some hours old by chance.
  const isFrequent = next !== undefined && next.instant > newest.instant - HOUR_MS
  if (isWhole && isFrequent && (isComplete || hours > 0)) {
    const offset = offsetAt(now, timeZone) / HOUR_MS + hours
    const zone = `UTC${offset === 0 ? '' : `${offset > 0 ? '+' : ''}${offset}`}`
    const hint = `if clients are being modified now, set POLARIS_TIME_ZONE to the zone of the server: its time is ${zone} now`
    return warning(`${detail}: the modification times look like ${zone}`, hint)
  }
  return offMs > MAX_AHEAD_MS ? warning(detail, 'check POLARIS_TIME_ZONE') : ok(detail)
}
