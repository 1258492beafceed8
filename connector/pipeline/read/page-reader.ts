import { unmapped } from '../../event/page-mapping.ts'
import { type Beginning, beginScan } from '../../scan/begin-scan.ts'
import { configured } from '../../scan/end-scan.ts'
import { LIVE, numbered, type Scan, type ScanTag, scanWith } from '../../scan/scan-state.ts'
import { backgroundCandidates, type Choice, nextChoice, type SchedulerParts, scanName } from '../../scan/scheduler.ts'
import { readOnce, readPage } from '../../source/read-page.ts'
import { interleavingProof } from './interleaving-proof.ts'
import { requestOf } from './mapped-page.ts'
import type { PageReading } from './page-reading.ts'
import type { ReaderParts, ReadFrom } from './reader-parts.ts'
import { failed, modeOf, type Reader, refused, stuck } from './scan-trouble.ts'
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
  const reader: Reader = {
    ...parts,
    processed: from.processed,
    load: workloadLog(clock, settings),
    proof: interleavingProof(parts),
    states: configured(from.states, settings, serverClock.times()),
    mapping: from.mapping ?? unmapped,
    liveBeganAt: clock.monotonic(),
    liveScans: 0,
  }
  for (;;) {
    const choice = choose(reader)
    if (choice.kind === 'wait') {
      if (isCaughtUp(reader)) return
      await clock.sleep(choice.ms, stop)
      continue
    }
    const tag = choice.kind === 'begin' ? begin(reader, choice.scan) : choice.tag
    const reading = await readNext(reader, tag, stop)
    if (reading !== undefined) yield reading
  }
}

function choose(reader: Reader): Choice {
  const { states, clock, serverClock, processed, load } = reader
  const settings = reader.until === 'stopped' ? reader.settings : { ...reader.settings, backgroundShare: 1 }
  const recheck = processed.recheck()
  const parts: SchedulerParts = { settings, recheck, times: serverClock.times(), now: clock.monotonic(), load }
  load.found(processed.changes())
  load.waiting(backgroundCandidates(states, parts))
  return nextChoice(states, parts)
}

function isCaughtUp({ until, states, liveScans }: Reader): boolean {
  const isHistory = ({ kind }: Scan) => kind === 'backfill' || kind === 'full'
  return (
    until === 'caught-up' && liveScans > 0 && states.backfill.state === 'done' && !states.background.some(isHistory)
  )
}

function begin(reader: Reader, beginning: Beginning): ScanTag {
  const { clock, settings, beginAt, serverClock, observe } = reader
  const parts = { settings, beginAt, times: serverClock.times() }
  const { states, tag } = beginScan(reader.states, beginning, parts)
  reader.states = states
  if (tag === LIVE) {
    reader.liveBeganAt = clock.monotonic()
    reader.load.liveBegins()
  }
  const { kind, from } = current(reader, tag)
  observe({ kind: 'scan-started', scan: kind, lastChanged: from })
  return tag
}

function current({ states }: Reader, tag: ScanTag): Scan {
  const scan = scanWith(states, tag)
  if (scan === undefined) throw new TypeError(`there is no scan ${tag}`)
  return scan
}

/** Invariant 3: whatever it reads without a token is newer than what scans with a smaller number see. */
function numberedScan(reader: Reader, tag: ScanTag): Scan {
  const scan = current(reader, tag)
  if (scan.checkPoint === null) reader.states = numbered(reader.states, scan)
  return current(reader, tag)
}

/** Undefined: the scan begins again or pauses. */
async function readNext(reader: Reader, tag: ScanTag, stop: AbortSignal): Promise<PageReading | undefined> {
  const { source, processed, clock } = reader
  const before = numberedScan(reader, tag)
  const known = () => ({ ...before, order: processed.order(before) })
  const scan = known()
  const startedAt = clock.monotonic()
  try {
    if (processed.isCycling(scan))
      return stuck(reader, scan, 'its pages contain only clients that it has already returned')
    const proven = await reader.proof.before(scan, reader.states, stop)
    reader.states = proven
    if (scanWith(proven, tag)?.checkPoint !== scan.checkPoint) return undefined
    const at = requestOf(reader, scan)
    if (scan.end === 'repeat') {
      // A failure says no more than an empty page.
      const end = await readOnce(source, at, stop)
      return end === undefined ? endedWithout(reader, scan) : take(reader, scan, end)
    }
    const read = await readPage(reader, { at, ...modeOf(reader, scan) }, stop)
    if (read.kind === 'token-refused') return refused(reader, known(), read.error)
    reader.proof.read(at, read.page)
    return take(reader, scan, read.page)
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
