import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { type DeliveryParts, type FinishedPageGroup, type OpenStream, pageGroupDelivery } from './delivery.ts'
import { gatherGroup, type ReadAhead, readAhead } from './gather-group.ts'
import type { PageGroupParts } from './group/building.ts'
import { pageGroupBuilder } from './group/page-group.ts'
import type { Observe, PipelineEvent } from './pipeline-event.ts'
import { readPages } from './read/page-reader.ts'
import type { PageReading, ReaderParts } from './read/reader-parts.ts'

export interface PipelineParts extends Omit<DeliveryParts, 'observe' | 'onDelivered'> {
  readonly reader: ReaderParts
  readonly group: PageGroupParts
  /** Under a backlog, pages join a group until it reaches one of these limits. */
  readonly groupMaxSize: number
  readonly groupMaxDelayMs: number
  /** Whether a group takes a single page, because the delivery of a larger one has failed. By default it never does. */
  readonly takesOnePage?: () => boolean
}

/**
 * Says how a run of the pipeline ended. After `failed`, the source has failed or a page cannot be processed: the groups
 * before it are delivered, the state is saved, and the pages of its own group are read again.
 */
export type PipelineEnd =
  | { readonly kind: 'stopped' | 'caught-up' }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Copies pages from the source to Kafka until `stop` aborts or the reader ends: delivers one group after another, and
 * gathers the next one meanwhile. After `failed` the stream may be run again; after a rejection it must be opened again
 * first. Pages that were not committed by then are read again.
 */
export async function runPipeline(parts: PipelineParts, stream: OpenStream, stop: AbortSignal): Promise<PipelineEnd> {
  const run = newRun(parts, stream)
  const { from, finishGroup, deliver } = run
  const readAbort = linkedAbort(stop)
  const pages = readAhead<PageReading>(readPages(parts.reader, from, readAbort.signal))
  let delivery = Promise.resolve()
  try {
    for (let isLast = false; !isLast; ) {
      const gathered = await gatherDuring(delivery, { run, pages }, stop)
      if (gathered.kind === 'failed') return gathered
      isLast = gathered.kind === 'stopped'
      const finished = finishGroup()
      // Invariant 6: gathered pages are delivered, even if `stop` has aborted meanwhile.
      if (finished.group.pages > 0) delivery = deliver(finished)
    }
    await delivery
  } finally {
    readAbort.abort()
    await Promise.allSettled([delivery, pages.close()])
  }
  return { kind: stop.aborted ? 'stopped' : 'caught-up' }
}

type PipelineRun = ReturnType<typeof newRun>

/** Creates the page group builder, the delivery and the progress reports, which serve as long as the stream is open. */
function newRun(parts: PipelineParts, stream: OpenStream) {
  const { clock, reader, group } = parts
  const { observe } = reader
  const unreported: PipelineEvent[] = []
  const { checkpoint } = stream
  const state = checkpoint.state()
  const builder = pageGroupBuilder(group, { state, table: checkpoint.table })
  return {
    parts,
    builder,
    from: state,
    /** Invariant 1: the end of a scan is reported only after its last page is delivered. */
    progress: scanProgress({ clock, ...reader.settings }, (event) => unreported.push(event)),
    finishGroup: (): FinishedPageGroup => ({ group: builder.finish(), events: unreported.splice(0) }),
    ...pageGroupDelivery({ ...parts, observe, onDelivered: builder.onDelivered }, stream),
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
): Promise<{ readonly kind: 'complete' | 'stopped' } | Extract<PipelineEnd, { kind: 'failed' }>> {
  const gatheringEnded = new AbortController()
  const writesDone = delivery.then(() => run.saveInTime(gatheringEnded.signal))
  try {
    return { kind: await resultUnlessFails(writesDone, gatherGroup({ ...run.parts, ...run }, pages, stop)) }
  } catch (error) {
    gatheringEnded.abort()
    await writesDone
    // Gathering has failed, and no write has: so the checkpoint can be saved, before the commit record can expire.
    await run.save()
    return { kind: 'failed', error }
  } finally {
    gatheringEnded.abort()
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
 * poll interval. Reports also the end of a history. `addedBytes` is the size of the records that a page adds.
 */
export function scanProgress(
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
  observe: Observe,
): (reading: PageReading, addedBytes: number) => void {
  let state: 'unknown' | 'caught-up' | 'behind' = 'unknown'
  let startedAt = clock.monotonic()
  return ({ scan, states, isLast }, addedBytes) => {
    const { lane, pages, clients } = scan
    if (isLast && lane === 'history') observe({ kind: 'history-done', clients })
    if (lane !== 'live') return
    if (pages === 1) startedAt = clock.monotonic()
    if (isLast && state !== 'caught-up' && states.history.state === 'done') {
      state = 'caught-up'
      observe({ kind: 'caught-up', clients, pages })
    } else if (!isLast && addedBytes > 0 && state === 'caught-up' && clock.monotonic() - startedAt > intervalMs) {
      state = 'behind'
      observe({ kind: 'fell-behind' })
    }
  }
}
