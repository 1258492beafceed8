import type { ConfiguredFields } from '../../event/fields/field-mapping.ts'
import {
  MANY_WITHOUT_ID,
  mapPage,
  type PageMapping,
  type StreamMapping,
  underSettings,
  unmapped,
  withoutId,
} from '../../event/page-mapping.ts'
import { assertNever } from '../../runtime/assert-never.ts'
import { begunAgain } from '../../scan/begin-again.ts'
import { LIVE, type Scan, type ScanStates, withoutScan, withScan } from '../../scan/scan-state.ts'
import type { Page, PageRequest } from '../../source/client-source.ts'
import type { Observe } from '../pipeline-event.ts'
import type { ReaderParts, ReadFrom } from './reader-parts.ts'
import type { Reader } from './scan-trouble.ts'

/** The next request of a scan, with what is known about its response. */
export function requestOf({ mapping }: Reader, scan: Scan): Scan & PageRequest {
  const known = mapping[scan.output]
  return known === null ? scan : { ...scan, known: { path: known.path ?? undefined, clientId: known.clientId } }
}

/**
 * Under another mapping, pages may have been passed with nothing of their clients read: the scans in progress begin
 * again, and the backfill too if nothing was ever published.
 */
export function remapped(
  { mapping: stored, states, processed }: ReadFrom,
  { fields, observe }: ReaderParts,
): { readonly mapping: StreamMapping; readonly states: ScanStates } {
  const { kind, mapping } = underSettings(stored ?? unmapped, fields)
  if (kind === 'kept') return { mapping, states }
  const { live, background } = states
  for (const scan of background) observe({ kind: 'scan-started', scan: scan.kind, lastChanged: scan.from })
  const again = { ...states, live: { ...live, scan: null }, background: background.map(begunAgain) }
  return {
    mapping,
    states: processed.events() === 0 ? { ...again, backfill: { ...again.backfill, state: 'first' } } : again,
  }
}

const PAUSE_MS = 60_000

/**
 * Takes what a page says about the mapping. `unproven`: no client of the stream has had a valid id so far. Then no
 * resume point passes the page: its scan begins again later. Throws `source.mapping`.
 */
export function takeMapping(reader: Reader, scan: Scan, page: Page): 'taken' | 'unproven' {
  const { mapping, fields, observe } = reader
  const { output, tag } = scan
  const known = mapping[output]
  const result = mapPage(page, fields, known)
  switch (result.kind) {
    case 'empty':
      return 'taken'
    case 'mapped':
      reader.mapping = { ...mapping, [output]: result.mapping }
      if (known === null) proven(reader, result.mapping)
      watchTimes(reader, page, result.mapping)
      return 'taken'
    case 'unproven': {
      if (reader.until === 'caught-up') throw result.error
      const isNews = !reader.withoutId.has(tag)
      reader.withoutId.set(tag, page.clients.length)
      const clients = [...reader.withoutId.values()].reduce((sum, count) => sum + count, 0)
      if (clients >= MANY_WITHOUT_ID) throw withoutId(`no client of ${clients} has an id`)
      if (isNews) observe({ kind: 'scan-paused', scan: scan.kind, code: 'source.mapping', error: result.error })
      reader.states = leftOut(reader, scan)
      return 'unproven'
    }
    default:
      return assertNever(result)
  }
}

/** All pages so far were empty: the scan loses nothing but time. A live scan is due again after an interval. */
function leftOut({ states, serverClock }: Reader, scan: Scan): ScanStates {
  if (scan.tag === LIVE) return withoutScan(states, LIVE)
  return withScan(states, {
    ...begunAgain(scan),
    restarts: scan.restarts,
    notBefore: serverClock.times().ours + PAUSE_MS,
  })
}

/** The first valid id: the scans that wait for it read on. */
function proven(reader: Reader, found: PageMapping): void {
  const { states, withoutId: waiting, fields, observe } = reader
  const background = states.background.map((scan) => (waiting.has(scan.tag) ? { ...scan, notBefore: 0 } : scan))
  reader.states = { ...states, background }
  waiting.clear()
  reportFound(found, fields, observe)
}

function reportFound({ clientId, modifiedAt }: PageMapping, fields: ConfiguredFields, observe: Observe): void {
  if (fields.clientId === null) observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (fields.modifiedAt === null && modifiedAt !== null)
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt })
}

function watchTimes({ times, observe }: Reader, { clients }: Page, { modifiedAt }: PageMapping): void {
  if (modifiedAt !== null && times.isUnreadable(clients, modifiedAt.split('.')))
    observe({ kind: 'times-unreadable', field: modifiedAt })
}
