import { noStreamRequests } from '../../control/stream-requests.ts'
import { timeWatch } from '../../event/modification-time.ts'
import { begunAgain } from '../../scan/begin-again.ts'
import { type Beginning, beginScan } from '../../scan/begin-scan.ts'
import { configured } from '../../scan/end-scan.ts'
import { withoutEnded } from '../../scan/republish.ts'
import { FULL, LIVE, type Scan, type ScanStates, type ScanTag, scanWith, withScan } from '../../scan/scan-state.ts'
import { backgroundCandidates, type Choice, nextChoice, type SchedulerParts, scanName } from '../../scan/scheduler.ts'
import { readOnce, readPage } from '../../source/recovery/read-page.ts'
import { republishStarted, requestedRepublication, untilDue } from '../features/republish/requested-republication.ts'
import { interleavingProof } from './interleaving-proof.ts'
import { remapped, requestOf } from './mapped-page.ts'
import type { PageReading, Processed, ReaderParts, ReadFrom } from './page-reading.ts'
import { failed, modeOf, type Reader, stuck, unread } from './scan-trouble.ts'
import { endedWithout, take } from './take-page.ts'
import { workloadLog } from './workload.ts'

/**
 * Reads the pages of all scans of a stream, one at a time: see `scheduler.ts`. Invariant 1: the states of a page count
 * once it is delivered. Rejects with `source.*` or the reason of `stop`; a background scan in trouble only pauses.
 */
export async function* readPages(
  parts: ReaderParts,
  from: ReadFrom,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  const { clock, settings, serverClock } = parts
  const { mapping, states } = remapped(from, parts)
  const reader: Reader = {
    ...parts,
    processed: from.processed,
    requests: from.requests ?? noStreamRequests,
    republished: new Set(),
    load: workloadLog(clock, settings.intervalMs),
    proof: interleavingProof(parts),
    states: withKnownPages(configured(states, settings, serverClock.times()), from.processed, parts.observe),
    mapping,
    withoutId: new Map(),
    times: timeWatch(settings.timeZone),
    liveBeganAt: clock.monotonic(),
    liveScans: 0,
    hasReadPages: from.states.createdAt !== null && from.sourceMoved !== true,
  }
  for (;;) {
    const choice = choose(reader)
    if (choice.kind === 'wait') {
      if (isCaughtUp(reader)) return
      await untilDue(reader, choice.ms, stop)
      continue
    }
    const tag = choice.kind === 'begin' ? begin(reader, choice.scan) : choice.tag
    const reading = await readNext(reader, tag, stop)
    if (reading !== undefined) yield reading
  }
}

/** A full scan whose returned clients are not known here cannot tell which ones are missing: it begins again. */
function withKnownPages(states: ScanStates, { knowsPagesOf }: Processed, observe: ReaderParts['observe']): ScanStates {
  const full = scanWith(states, FULL)
  if (full === undefined || knowsPagesOf(full)) return states
  observe({ kind: 'scan-started', scan: full.kind, lastChanged: full.from })
  return withScan(states, begunAgain(full))
}

function choose(reader: Reader): Choice {
  reader.states = withoutEnded(reader.states, reader.processed.hasEnded)
  const { states, clock, serverClock, processed, load } = reader
  const settings = reader.until === 'stopped' ? reader.settings : { ...reader.settings, backgroundShare: 1 }
  const recheck = processed.recheck()
  const due = { recheck, republication: requestedRepublication(reader) }
  const parts: SchedulerParts = { settings, ...due, times: serverClock.times(), now: clock.monotonic(), load }
  load.waiting(backgroundCandidates(states, parts))
  return nextChoice(states, parts)
}

function isCaughtUp({ until, states, liveScans }: Reader): boolean {
  const isOpen = ({ kind }: Scan) => kind !== 'republish'
  return until === 'caught-up' && liveScans > 0 && states.backfill === 'done' && !states.background.some(isOpen)
}

function begin(reader: Reader, beginning: Beginning): ScanTag {
  const { clock, settings, beginAt, serverClock, processed, observe } = reader
  const parts = { settings, beginAt, times: serverClock.times(), events: processed.events() }
  const { states, tag } = beginScan(reader.states, beginning, parts)
  reader.states = states
  if (tag === LIVE) {
    reader.liveBeganAt = clock.monotonic()
    reader.load.liveBegins()
  }
  const { kind, from } = current(reader, tag)
  observe({ kind: 'scan-started', scan: kind, lastChanged: from })
  if (beginning.kind === 'republish') observe(republishStarted(beginning.request, from))
  return tag
}

function current({ states }: Reader, tag: ScanTag): Scan {
  const scan = scanWith(states, tag)
  if (scan === undefined) throw new TypeError(`there is no scan ${tag}`)
  return scan
}

/** Undefined: the scan begins again or pauses. */
async function readNext(reader: Reader, tag: ScanTag, stop: AbortSignal): Promise<PageReading | undefined> {
  const { source, processed, clock } = reader
  const before = current(reader, tag)
  const known = () => ({ ...before, order: processed.order(before) })
  const scan = known()
  const startedAt = clock.monotonic()
  let askedAt = processed.events()
  const onSend = () => {
    askedAt = processed.events()
  }
  try {
    if (processed.isCycling(scan))
      return stuck(reader, scan, 'its pages contain only clients that it has already returned')
    const proven = await reader.proof.before(scan, reader.states, stop)
    reader.states = proven
    if (scanWith(proven, tag)?.checkPoint !== scan.checkPoint) return undefined
    const at = { ...requestOf(reader, scan), onSend }
    if (scan.end === 'repeat') {
      // A failure says no more than an empty page.
      const end = await readOnce(source, at, stop)
      return end === undefined ? endedWithout(reader, scan, askedAt) : take(reader, scan, { page: end, askedAt })
    }
    const read = await readPage(reader, { at, ...modeOf(reader, scan) }, stop)
    if (read.kind !== 'page') return unread(reader, known(), read)
    reader.proof.read(at, read.page)
    return take(reader, scan, { page: read.page, askedAt })
  } catch (error) {
    if (stop.aborted) throw error
    return failed(reader, known(), error)
  } finally {
    logWork(reader, scan, clock.monotonic() - startedAt)
  }
}

function logWork({ load }: Reader, scan: Scan, tookMs: number): void {
  if (scan.tag === LIVE) load.livePage(tookMs)
  else load.backgroundPage(scanName(scan), tookMs)
}
