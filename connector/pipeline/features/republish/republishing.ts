import type { Republished } from '../../../checkpoint/stream-state.ts'
import type { CarriedOut } from '../../../control/stream-requests.ts'
import { type ClientKey, clientKeyOf, type IndexEntry, keyAsText, withdrawalOf } from '../../../index/index-entry.ts'
import { withoutEnded } from '../../../scan/republish.ts'
import type { Scan } from '../../../scan/scan-state.ts'
import type { Building, Republishing } from '../../group/building.ts'
import { withOrders } from '../../group/scan-memory.ts'
import type { PageReading } from '../../read/page-reading.ts'

export function republishingOf(state: Republished | null): Republishing | null {
  return state && { ...state, missing: state.missing && new Set(state.missing.map(clientKeyOf)) }
}

export function republishedBy(republishing: Republishing | null): Republished | null {
  return republishing && { ...republishing, missing: republishing.missing && [...republishing.missing].map(keyAsText) }
}

/** Before the first page of a request. Each later page continues, also if the scan begins again after a crash. */
export function beginRepublishing(building: Building, { republish, since }: Scan): void {
  if (republish === null || building.republishing?.id === republish.id || hasEnded(building)(republish.id)) return
  const { id, wanted } = republish
  const missing = wanted.kind === 'all' ? null : wanted.keys
  building.republishing = republishingOf({ id, since, published: 0, changed: 0, missing })
}

/**
 * The request for which an unchanged client is published again; undefined: it is suppressed. Call it once for each
 * client of a page, which counts as found then.
 */
export function republishFor(
  building: Building,
  { key, known }: { readonly key: ClientKey; readonly known: IndexEntry | undefined },
  scan: Scan,
): string | undefined {
  const republishing = of(building, scan)
  if (republishing === undefined) return undefined
  const isWanted = republishing.missing?.delete(key) ?? true
  // Invariant 2: not twice, if a page is read again after a crash, and not after a live scan has published it.
  const isDue =
    known !== undefined && known.number < republishing.since && !known.isDeadLetter && withdrawalOf(known) === 'no'
  return isWanted && isDue ? republishing.id : undefined
}

export function countRepublished(building: Building, scan: Scan, as: 'published' | 'changed'): void {
  const republishing = of(building, scan)
  if (republishing !== undefined) republishing[as] += 1
}

function of({ republishing }: Building, { republish }: Scan): Republishing | undefined {
  return republishing !== null && republishing.id === republish?.id ? republishing : undefined
}

/** After a page: ends what is complete or cancelled. The scan of a request that has ended is no longer in the state. */
export function endRepublishing(building: Building, { scan, states, isLast }: PageReading): void {
  const { republishing, parts } = building
  const isOwn = republishing !== null && republishing.id === scan.republish?.id
  if (isOwn && (isLast || republishing.missing?.size === 0)) end(building, republishing.id, 'complete')
  else if (republishing !== null && hasEnded(building)(republishing.id)) end(building, republishing.id, 'cancelled')
  for (const { id, kind } of parts.requests.cancelled())
    if (kind === 'republish' && !isCarriedOut(building, id)) end(building, id, 'cancelled')
  building.scans = withOrders(withoutEnded(states, hasEnded(building)), building.memory)
}

function end(building: Building, id: string, outcome: 'complete' | 'cancelled'): void {
  const { republishing } = building
  const { published = 0, changed = 0, missing = null } = republishing?.id === id ? republishing : {}
  const notFound = outcome === 'complete' && missing !== null ? [...missing].map(keyAsText) : []
  const ended: CarriedOut = { id, outcome, published, changed, missing: notFound }
  building.carriedOut = [...building.carriedOut, ended]
  building.group.republished.push(ended)
  if (republishing?.id === id) building.republishing = null
}

export const isCarriedOut = ({ carriedOut }: Pick<Building, 'carriedOut'>, id: string) =>
  carriedOut.some((one) => one.id === id)

/** Whether a request is carried out, cancelled or gone. The reader may still read pages for it. */
export function hasEnded(building: Pick<Building, 'carriedOut' | 'parts'>): (id: string) => boolean {
  const { requests } = building.parts
  return (id) =>
    isCarriedOut(building, id) || requests.isRecorded(id) || requests.cancelled().some((one) => one.id === id)
}
