import type { SourceTime } from '../source/client-source.ts'
import { instantOf, wallClock } from '../source/source-time.ts'
import type { ScanSettings } from './scan-settings.ts'

/**
 * What the modification times of a scan say about its order; those after its start are left out. `rising`: they have
 * never decreased, over this number of values. `highest`: of all pages. `reached`: before the last page that has a time, so that
 * a later client has confirmed it.
 */
export type ScanOrder =
  | {
      readonly kind: 'rising'
      readonly values: number
      readonly highest: SourceTime | null
      readonly reached: SourceTime | null
    }
  | { readonly kind: 'unordered' }

export const noTimes: ScanOrder = { kind: 'rising', values: 0, highest: null, reached: null }

/** Fewer values may rise by chance. */
const ENOUGH_VALUES = 100

/** A time from which the scan may be resumed; null: its order is not proven. Pure. */
export function resumeTime(order: ScanOrder): SourceTime | null {
  return order.kind === 'rising' && order.values >= ENOUGH_VALUES ? order.reached : null
}

/** The time up to which the scan has read, as far as is known. Pure. */
export const positionOf = (order: ScanOrder): SourceTime | null => (order.kind === 'rising' ? order.highest : null)

interface Modified {
  /** Milliseconds since 1970; of two readings, the earlier one. */
  readonly instant: number
  readonly wallClock: SourceTime
}

export interface OrderWatch {
  /** The next client of a page. `startedAt`: the start of the scan, by the server's clock in ms since 1970. */
  add(modified: Modified, startedAt: number): void
  endPage(): void
  /** After the last complete page. */
  order(): ScanOrder
}

/** Observes the clients of a scan in the order in which they are returned. */
export function orderWatch(from: ScanOrder, settings: Pick<ScanSettings, 'timeZone' | 'overlapMs'>): OrderWatch {
  const { timeZone, overlapMs } = settings
  let order = from
  let values = 0
  let highest: Modified | undefined = highestOf(from, timeZone)
  let hasTimes = false
  // A text in the repeated hour of autumn may be an hour later than its first reading.
  const hasDecreased = ({ instant, wallClock }: Modified, least: number) =>
    instant < least && instantOf(wallClock, timeZone, 'later') < least
  return {
    add: (modified, startedAt) => {
      // A client that changes while it is read says nothing about the position.
      if (order.kind === 'unordered' || modified.instant > startedAt - overlapMs) return
      hasTimes = true
      if (highest !== undefined && hasDecreased(modified, highest.instant - overlapMs)) order = { kind: 'unordered' }
      if (highest !== undefined && modified.instant <= highest.instant) return
      values += 1
      highest = modified
    },
    endPage: () => {
      if (order.kind === 'rising' && hasTimes) {
        const known = Math.min(ENOUGH_VALUES, order.values + values)
        order = { kind: 'rising', values: known, highest: highest?.wallClock ?? null, reached: order.highest }
      }
      values = 0
      hasTimes = false
    },
    order: () => order,
  }
}

function highestOf(order: ScanOrder, timeZone: string) {
  const wallClock = positionOf(order)
  return wallClock === null ? undefined : { instant: instantOf(wallClock, timeZone, 'earlier'), wallClock }
}

/**
 * The part of the time from a scan's beginning to now (ms since 1970) that it has read, from 0 to 1; undefined if the
 * modification time is not mapped or the server returns clients in another order. Pure.
 */
export function shareDone(
  { from, order }: { readonly from: SourceTime; readonly order: ScanOrder },
  now: number,
  timeZone: string,
): number | undefined {
  const position = positionOf(order)
  if (position === null) return undefined
  const [begin, at, end] = [from, position, wallClock(now, timeZone)].map(asUtc) as [number, number, number]
  return end <= begin ? 1 : Math.min(1, Math.max(0, (at - begin) / (end - begin)))
}

const asUtc = (text: SourceTime) => Date.parse(`${text}Z`)
