import { followUp } from '../../scan/begin-again.ts'
import { continuedInBackground, scanDone } from '../../scan/end-scan.ts'
import { earlier, type Times } from '../../scan/scan-settings.ts'
import { LIVE, type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import { scanStep } from '../../scan/scan-step.ts'
import type { Page } from '../../source/client-source.ts'
import { takeMapping } from './mapped-page.ts'
import type { PageReading } from './page-reading.ts'
import { type Reader, stuck } from './scan-trouble.ts'

/** Undefined: the scan is stuck; it begins again. Throws `source.mapping`. */
export function take(reader: Reader, before: Scan, page: Page): PageReading | undefined {
  const { serverClock, observe } = reader
  const began = serverClock.learn(page)
  observe({
    kind: 'page-read',
    scan: before.kind,
    clients: page.clients.length,
    limit: before.limit,
    bytes: page.bytes,
    tookMs: page.tookMs,
  })
  reader.states = created(reader.states, began)
  takeMapping(reader, before, page)
  const step = scanStep(before, page, began)
  if (step.kind === 'stuck') return stuck(reader, before, step.why)
  const { scan } = step
  if (step.kind === 'done') return ended(reader, scan, page)
  reader.states = afterPage(reader, withScan(reader.states, scan), scan)
  return readingOf(reader, scan, { page, isFirst: before.checkPoint === null, isLast: false })
}

/** A scan whose last page cannot be read again is done. */
export function endedWithout(reader: Reader, scan: Scan): PageReading {
  return ended(reader, scan, noPage)
}

const noPage: Page = {
  clients: [],
  hasMoreResults: false,
  checkPoint: null,
  serverTime: undefined,
  tookMs: 0,
  bytes: 0,
}

/** After the last page of a scan, unless another one of the same follows. */
function ended(reader: Reader, scan: Scan, page: Page): PageReading {
  const { settings, beginAt, observe } = reader
  const again = followUp(scan)
  if (again !== undefined) observe({ kind: 'scan-started', scan: scan.kind, lastChanged: scan.from })
  const isLast = again === undefined
  reader.states = isLast ? scanDone(reader.states, scan, { settings, beginAt }) : withScan(reader.states, again)
  if (isLast && scan.tag === LIVE) reader.liveScans += 1
  return readingOf(reader, scan, { page, isFirst: scan.checkPoint === null, isLast })
}

function readingOf(
  { states, mapping, serverClock }: Reader,
  scan: Scan,
  of: Pick<PageReading, 'page' | 'isFirst' | 'isLast'>,
): PageReading {
  return { ...of, scan, states, mapping, readAt: serverClock.times() }
}

/** The stream is as old as its first response. */
function created(states: ScanStates, began: Times): ScanStates {
  if (states.createdAt !== null) return states
  const createdAt = earlier(began)
  const lookBacks = states.lookBacks.map((one) => ({ ...one, startedAt: Math.min(one.startedAt, createdAt) }))
  return { ...states, createdAt, lookBacks }
}

const LONG_SCAN_MS = 60_000

function afterPage({ clock, liveBeganAt }: Reader, states: ScanStates, scan: Scan): ScanStates {
  const isLong = scan.tag === LIVE && clock.monotonic() - liveBeganAt > LONG_SCAN_MS
  return isLong && states.interleaving !== 'serial' ? continuedInBackground(states, scan) : states
}
