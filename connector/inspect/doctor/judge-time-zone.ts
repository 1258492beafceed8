import type { FieldMapping } from '../../event/fields/field-mapping.ts'
import { type ModificationTime, modificationTime } from '../../event/modification-time.ts'
import { HOUR_MS } from '../../runtime/units.ts'
import type { ClientRecord } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import { offsetAt } from '../../source/zone-offset.ts'
import { type CheckResult, ok, skipped, warning } from './finding.ts'
import { textAt } from './judge-page.ts'

/** The clients modified in the last day. */
export interface LastDay {
  readonly clients: readonly ClientRecord[]
  /** Whether all of them were read, up to the newest. */
  readonly isComplete: boolean
  /** By the server's clock, in ms since 1970. */
  readonly now: number
}

const MAX_AHEAD_MS = 60_000
/** Modification times that are wrong by an offset are so close to whole hours. */
const TOLERANCE_MS = 300_000
/** Offsets of two zones differ by at most 26 hours; most shops and servers are much closer. */
const MAX_OFF_HOURS = 14

/** Whether the modification times are plausible in the configured time zone. Pure. */
export function judgeTimeZone(day: LastDay, mapping: FieldMapping | undefined, timeZone: string): CheckResult {
  const modifiedAt = mapping?.modifiedAt ?? undefined
  if (modifiedAt === undefined) return skipped('requires a modification time')
  if (day.clients.length === 0)
    return day.isComplete
      ? ok(`${timeZone}; no modification in the last day`)
      : skipped('requires the clients modified in the last day')
  const times = day.clients.flatMap((client) => modificationTime(textAt(client, modifiedAt) ?? '', timeZone) ?? [])
  if (times.length === 0) return warning(`no time in ${modifiedAt} can be parsed`, 'check POLARIS_MODIFIED_AT_FIELD')
  const withTime = times
    .filter(({ hasTimeOfDay }) => hasTimeOfDay)
    .toSorted((one, other) => other.instant - one.instant)
  const [newest] = withTime
  if (newest === undefined) return ok(`${timeZone}; the modification times hold only a date`)
  const detail = `${timeZone}; newest modification ${serverTimeText(newest.wallClock)}`
  return judgeNewest({ newest, times: withTime, detail, timeZone }, day)
}

interface Newest {
  readonly newest: ModificationTime
  readonly times: readonly ModificationTime[]
  readonly detail: string
  readonly timeZone: string
}

function judgeNewest({ newest, times, detail, timeZone }: Newest, { isComplete, now }: LastDay): CheckResult {
  const offMs = newest.instant - now
  const minutes = Math.round(Math.abs(offMs) / 60_000)
  const away = `${minutes} minute${minutes === 1 ? '' : 's'} ${offMs > 0 ? 'in the future' : 'ago'}`
  const seen = `${detail}, ${minutes === 0 ? 'just now' : away}`
  const hours = Math.round(offMs / HOUR_MS)
  const isWhole = hours !== 0 && Math.abs(hours) <= MAX_OFF_HOURS && Math.abs(offMs - hours * HOUR_MS) <= TOLERANCE_MS
  // With rare changes, the newest may be some hours old by chance.
  const isFrequent = times.filter(({ instant }) => instant > newest.instant - HOUR_MS).length > 1
  if (isWhole && isFrequent && (isComplete || hours > 0)) {
    const zone = zoneWith(offsetAt(now, timeZone) + hours * HOUR_MS)
    return warning(
      `${seen}: the modification times look like ${zone.name}`,
      `if clients are being modified now, set POLARIS_TIME_ZONE to ${zone.hint}`,
    )
  }
  if (offMs > MAX_AHEAD_MS) return warning(seen, 'check POLARIS_TIME_ZONE')
  return ok(isComplete ? seen : `${detail} on the first pages of the last day`)
}

/** The name of an offset, and what to set for it. */
function zoneWith(offsetMs: number): { name: string; hint: string } {
  const hours = offsetMs / HOUR_MS
  if (hours === 0) return { name: 'UTC', hint: 'UTC' }
  const sign = hours > 0 ? '+' : ''
  return { name: `UTC${sign}${hours}`, hint: `the zone of the server that has offset ${sign}${hours} hours now` }
}
