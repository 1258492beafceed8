import { noStreamRequests } from '../../control/stream-requests.ts'
import { type Beginning, beginScan } from '../../scan/begin-scan.ts'
import { begunAgain, configured, continuedInBackground, scanDone } from '../../scan/end-scan.ts'
import { paced, withoutEnded } from '../../scan/republish.ts'
import { earlier, type Times } from '../../scan/scan-settings.ts'
import { FULL, LIVE, type Scan, type ScanStates, type ScanTag, scanWith, withScan } from '../../scan/scan-state.ts'
import { scanStep } from '../../scan/scan-step.ts'
import { backgroundCandidates, type Choice, nextChoice, type SchedulerParts, scanName } from '../../scan/scheduler.ts'
import { interleavingProof } from './interleaving-proof.ts'
import type { PageReading, Processed, ReaderParts, ReadFrom } from './page-reading.ts'
import { answersSmallPages, readUnlessRefused } from './read-page.ts'
import { republishStarted, requestedRepublication, untilDue } from './requested-republication.ts'
import { failed, patienceOf, type Reader, refused, stuck, tooMuch, tooMuchBy } from './scan-trouble.ts'
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
    requests: from.requests ?? noStreamRequests,
    republished: new Set(),
    load: workloadLog(clock, settings.intervalMs),
    proof: interleavingProof(parts),
    states: withKnownPages(configured(from.states, settings, serverClock.times()), from.processed, parts.observe),
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
  const scan = { ...before, lastModifiedAt: processed.lastModifiedAt(before) }
  const [startedAt, askedAt] = [clock.monotonic(), processed.events()]
  try {
    if (processed.isCycling(scan))
      return stuck(reader, scan, 'its pages contain only clients that it has already returned')
    const proven = await reader.proof.before(scan, reader.states, stop)
    reader.states = proven
    if (scanWith(proven, tag)?.checkPoint !== scan.checkPoint) return undefined
    const page = await readUnlessRefused(source, { at: scan, patience: patienceOf(reader, scan) }, stop)
    if (page === 'refused') return refused(reader, { ...scan, lastModifiedAt: processed.lastModifiedAt(scan) })
    reader.proof.read(scan, page)
    return take(reader, scan, { page, askedAt })
  } catch (error) {
    if (stop.aborted) throw error
    return await afterError(reader, { scan: { ...scan, lastModifiedAt: processed.lastModifiedAt(scan) }, error }, stop)
  } finally {
    logWork(reader, scan, clock.monotonic() - startedAt)
  }
}

/** The scan begins again with smaller pages, pauses, or asks for the page again. Throws the error for any other scan. */
async function afterError(
  reader: Reader,
  { scan, error }: { scan: Scan; error: unknown },
  stop: AbortSignal,
): Promise<undefined> {
  const by = tooMuchBy(reader, scan, error)
  if (by === 'no') return failed(reader, scan, error)
  if (by === 'yes') return tooMuch(reader, scan, error)
  try {
    if (await answersSmallPages(reader, { at: scan, patience: patienceOf(reader, scan) }, stop))
      tooMuch(reader, scan, error)
  } catch (outage) {
    if (stop.aborted) throw outage
    failed(reader, scan, outage)
  }
}

function logWork({ load }: Reader, scan: Scan, tookMs: number): void {
  if (scan.tag === LIVE) load.livePage(tookMs)
  else load.backgroundPage(scanName(scan), tookMs)
}

function take(
  reader: Reader,
  before: Scan,
  { page, askedAt }: Pick<PageReading, 'page' | 'askedAt'>,
): PageReading | undefined {
  const { serverClock, settings, beginAt, processed, observe } = reader
  const began = serverClock.learn(page)
  reader.hasReadPages = true
  observe({
    ...{ kind: 'page-read', scan: before.kind, clients: page.clients.length },
    ...{ limit: before.limit, bytes: page.bytes, tookMs: page.tookMs },
  })
  const parts = { began, events: processed.events(), maxEmptyPages: settings.maxEmptyPages }
  const step = scanStep(before, page, parts)
  if (step.kind === 'stuck') return stuck(reader, before, step.why)
  const states = created(reader.states, began)
  const scan = paced(step.scan, page.clients.length, states, serverClock.times().ours)
  reader.states =
    step.kind === 'done'
      ? scanDone(states, scan, { settings, beginAt })
      : afterPage(reader, withScan(states, scan), scan)
  if (step.kind === 'done' && scan.tag === LIVE) reader.liveScans += 1
  if (step.kind === 'done' && scan.republish !== null) reader.republished.add(scan.republish.id)
  return {
    kind: 'page',
    ...{ page, askedAt, scan, states: reader.states, readAt: serverClock.times() },
    ...{ isFirst: before.checkPoint === null, isLast: step.kind === 'done' },
  }
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
