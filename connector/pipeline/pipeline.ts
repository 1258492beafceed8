import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { type DeliveryParts, type FinishedPageGroup, type OpenedStream, pageGroupDelivery } from './delivery.ts'
import { gatherGroup, type ReadAhead, readAhead } from './gather-group.ts'
import type { PageGroupParts } from './group/builder-state.ts'
import { pageGroupBuilder } from './group/page-group.ts'
import type { Observe, PipelineEvent } from './pipeline-event.ts'
import { readPages } from './read/page-reader.ts'
import type { PageReading, ReaderParts } from './read/reader-parts.ts'

export interface PipelineParts extends Omit<DeliveryParts, 'observe' | 'onDelivered'> {
  readonly readerParts: ReaderParts
  readonly groupParts: PageGroupParts
  /** Under a backlog, pages join a group until it reaches one of these limits. */
  readonly groupMaxValueBytes: number
  readonly groupMaxDelayMs: number
  /** Whether a group takes a single page, because the delivery of a larger one has failed. By default it never does. */
  readonly takesOnePage?: () => boolean
}

/**
 * Says how a run of the pipeline ended. After `failed`, the source has failed or a page cannot be processed. The groups
 * before the failure are delivered and the state is saved; pages that were gathered for the next group are read again.
 */
export type PipelineEnd =
  | { readonly kind: 'stopped' | 'caught-up' }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Copies pages from the source to Kafka until `stop` aborts or the reader ends: delivers one group after another, and
 * gathers the next one meanwhile. After `failed` the stream may be run again; after a rejection it must be opened again
 * first. Pages that were not committed by then are read again.
 */
export async function runPipeline(
  parts: PipelineParts,
  openedStream: OpenedStream,
  stop: AbortSignal,
): Promise<PipelineEnd> {
  const run = newRun(parts, openedStream)
  const { startState, finishGroup, deliver } = run
  const readAbort = linkedAbort(stop)
  const pages = readAhead<PageReading>(readPages(parts.readerParts, startState, readAbort.signal))
  let delivery = Promise.resolve()
  // A variable of `runPipeline` would keep the group in memory while the next one is gathered.
  const deliverGathered = () => {
    const finishedGroup = finishGroup()
    return finishedGroup.group.pages > 0 ? deliver(finishedGroup) : delivery
  }
  try {
    for (let isLastGroup = false; !isLastGroup; ) {
      const gatherResult = await gatherDuring(delivery, { run, pages }, stop)
      if (gatherResult.kind === 'failed') return gatherResult
      isLastGroup = gatherResult.kind === 'no-more-pages'
      // Invariant 6: gathered pages are delivered, even if `stop` has aborted meanwhile.
      delivery = deliverGathered()
    }
    await delivery
  } finally {
    readAbort.abort()
    await Promise.allSettled([delivery, pages.close()])
  }
  return { kind: stop.aborted ? 'stopped' : 'caught-up' }
}

type PipelineRun = ReturnType<typeof newRun>

/** Creates the page group builder, the delivery and the progress reports of one run. The next run has new ones. */
function newRun(parts: PipelineParts, openedStream: OpenedStream) {
  const { clock, readerParts, groupParts } = parts
  const { observe } = readerParts
  // Invariant 1: these are reported once the group is delivered, so the end of a scan is reported after its last page.
  const unreportedEvents: PipelineEvent[] = []
  const { checkpoint } = openedStream
  const state = checkpoint.state()
  const builder = pageGroupBuilder(groupParts, { state, table: checkpoint.table })
  return {
    parts,
    builder,
    startState: state,
    onPageAdded: progressReporter({ clock, ...readerParts.settings }, (event) => unreportedEvents.push(event)),
    finishGroup: (): FinishedPageGroup => ({ group: builder.finish(), events: unreportedEvents.splice(0) }),
    ...pageGroupDelivery({ ...parts, observe, onDelivered: builder.onDelivered }, openedStream),
  }
}

/**
 * Gathers a group while the previous one is delivered, and its state is saved when that is due. Writes never overlap,
 * and all are done when this settles.
 */
async function gatherDuring(
  delivery: Promise<void>,
  { run, pages }: { run: PipelineRun; pages: ReadAhead<PageReading> },
  stop: AbortSignal,
): Promise<{ readonly kind: 'complete' | 'no-more-pages' } | Extract<PipelineEnd, { kind: 'failed' }>> {
  const saveAbort = new AbortController()
  const writesDone = delivery.then(() => run.saveInTime(saveAbort.signal))
  try {
    return { kind: await resultUnlessFails(writesDone, gatherGroup({ ...run.parts, ...run }, pages, stop)) }
  } catch (error) {
    saveAbort.abort()
    await writesDone
    // Gathering has failed, and no write has: so the checkpoint can be saved, before the commit record can expire.
    await run.save()
    return { kind: 'failed', error }
  } finally {
    saveAbort.abort()
    await writesDone
  }
}

/** Resolves with the result of the second promise, unless the first one rejects before: then it rejects at once. */
function resultUnlessFails<Result>(first: Promise<void>, second: Promise<Result>): Promise<Result> {
  return Promise.race([second, first.then(() => second)])
}

/**
 * Reports when a stream has caught up and when it falls behind again, once for each change. It has caught up when a
 * live scan ends and the history has ended; it is behind if a live scan publishes something and takes longer than the
 * poll interval. Reports also the end of a history. The values of the records that a page adds have `addedBytes` bytes.
 */
export function progressReporter(
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
  observe: Observe,
): (reading: PageReading, addedBytes: number) => void {
  let progress: 'unknown' | 'caught-up' | 'behind' = 'unknown'
  let liveScanStartedAt = clock.monotonic()
  return ({ scan, scans, isLast }, addedBytes) => {
    const { lane, pages, clients } = scan
    if (isLast && lane === 'history') observe({ kind: 'history-done', clients })
    if (lane !== 'live') return
    if (pages === 1) liveScanStartedAt = clock.monotonic()
    if (isLast && progress !== 'caught-up' && scans.history.state === 'done') {
      progress = 'caught-up'
      observe({ kind: 'caught-up', clients, pages })
    } else if (
      !isLast &&
      addedBytes > 0 &&
      progress === 'caught-up' &&
      clock.monotonic() - liveScanStartedAt > intervalMs
    ) {
      progress = 'behind'
      observe({ kind: 'fell-behind' })
    }
  }
}
