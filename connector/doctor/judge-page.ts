import { valueAt } from '../event/canonical-json.ts'
import type { FieldMapping } from '../event/field-mapping.ts'
import { modificationTime } from '../event/modification-time.ts'
import type { ClientRecord, Page, ReadArguments } from '../source/client-source.ts'
import { type Judgement, ok, skipped, warning } from './finding.ts'

/** How much came, by the clock of this machine. */
export function judgePage(page: Page, at: ReadArguments): Judgement {
  const { clients, bytes, tookMs, hasMoreResults } = page
  const more = hasMoreResults ? 'more to come' : 'no more results'
  return ok(
    `${clients.length} clients since ${at.lastChanged} (${at.output}, ${bytes} bytes, ${Math.round(tookMs)} ms), ${more}`,
  )
}

/** Which fields are id and modification time, and whether every client has them. */
export function judgeFields(clients: readonly ClientRecord[], mapping: FieldMapping | undefined): Judgement {
  if (mapping === undefined) return skipped('no client on the page to tell the fields by')
  const { clientId, modifiedAt } = mapping
  const withoutId = clients.filter((client) => textAt(client, clientId) === undefined).length
  if (withoutId > 0) {
    return warning(
      `id ${clientId}, which ${withoutId} of ${clients.length} clients do not have: they would be dead letters`,
      'check POLARIS_CLIENT_ID_FIELD',
    )
  }
  if (modifiedAt === null) {
    return warning(
      `id ${clientId}, no modification time`,
      'set POLARIS_MODIFIED_AT_FIELD where clients have one: events then carry it, and lateness can be told',
    )
  }
  return ok(`id ${clientId}, modification time ${modifiedAt}`)
}

const MOST_SKEW_MS = 60_000

/** How far the server's clock is from this machine's. */
export function judgeServerClock({ serverTime }: Page, now: number): Judgement {
  if (serverTime === undefined) {
    return warning(
      'the answer has no Date header: the clock of this machine is taken, with 5 minutes more of overlap',
      'let the server, or the proxy before it, send Date',
    )
  }
  const seconds = Math.round((serverTime - now) / 1000)
  const seen = seconds === 0 ? 'as this machine' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  if (Math.abs(serverTime - now) <= MOST_SKEW_MS) return ok(seen)
  return warning(
    seen,
    'polls go by the clock of the server, but lateness and log times will be off: set one of the two',
  )
}

const FUTURE_MS = 60_000

/** Whether the modification times make sense in the configured zone. */
export function judgeTimeZone(
  page: Page,
  mapping: FieldMapping | undefined,
  { timeZone, now }: { timeZone: string; now: number },
): Judgement {
  const modifiedAt = mapping?.modifiedAt ?? undefined
  if (modifiedAt === undefined || page.clients.length === 0) return skipped('no modification time to tell it by')
  const times = page.clients.flatMap((client) => modificationTime(textAt(client, modifiedAt) ?? '', timeZone) ?? [])
  const [latest] = times.toSorted((one, other) => other.instant - one.instant)
  if (latest === undefined) {
    return warning(`none of the times in ${modifiedAt} can be read`, 'check POLARIS_MODIFIED_AT_FIELD')
  }
  const seen = `${timeZone}; latest modification on the page ${latest.wallClock}`
  const ahead = latest.instant - (page.serverTime ?? now)
  if (ahead <= FUTURE_MS) return ok(seen)
  return warning(`${seen}, ${Math.round(ahead / 60_000)} minutes in the future`, 'check POLARIS_TIME_ZONE')
}

function textAt(client: ClientRecord, path: string): string | undefined {
  const value = valueAt(client, path.split('.'))
  return typeof value === 'string' && value !== '' ? value : undefined
}
