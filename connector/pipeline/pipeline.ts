import type { CarriedOut, StreamRequests } from '../control/stream-requests.ts'
import type { ClientTable } from '../index/client-table.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { merged } from '../runtime/merged.ts'
import type { ClaimedStream } from './claimed-stream.ts'
import { type DeliveryParts, type FinishedPageGroup, pageGroupDelivery } from './delivery.ts'
import type { ErasureMarks } from './features/erase/erasure-marks.ts'
import { postponeErasure, requestedErasures } from './features/erase/requested-erasures.ts'
import { type GoneClientsParts, goneClients } from './features/removal/gone-clients.ts'
import { changesMarks, markChanges, removalEvents } from './features/removal/removal-progress.ts'
import { republishProgress } from './features/republish/republish-progress.ts'
import { type GroupEnd, gatherGroup } from './gather-group.ts'
import type { ErasedClient, PageGroup, PageGroupParts } from './group/building.ts'
import { pageGroupBuilder } from './group/page-group.ts'
import type { PipelineEvent } from './pipeline-event.ts'
import { readPages } from './read/page-reader.ts'
import type { ReaderParts, Reading } from './read/page-reading.ts'
import { type ReadAhead, readAhead } from './read-ahead.ts'
import { scanProgress } from './scan-progress.ts'

export interface PipelineParts extends Omit<DeliveryParts, 'observe' | 'erasures'> {
  readonly erasures: ErasureMarks
  readonly reader: ReaderParts
  readonly group: Omit<PageGroupParts, 'requests'>
  readonly requests: StreamRequests
  /** See `ErasureParts`. */
  readonly erasureRetryAt: Map<string, number>
  readonly publisher: GoneClientsParts['publisher']
  /** Group commit: under a backlog, pages join a group until one of these limits is reached. */
  readonly groupMaxSize: number
  readonly groupMaxDelayMs: number
}

/**
 * Copies pages from the source to Kafka until `stop` aborts or the reader ends. Rejects with a `ConnectorError` on any
 * failure; pages that were not committed by then are read again.
 */
export async function runPipeline(
  parts: PipelineParts,
  stream: ClaimedStream,
  stop: AbortSignal,
): Promise<'stopped' | 'caught-up'> {
  const copying = startCopying(parts, stream)
  await copyPages(copying, stop)
  await copying.save()
  return stop.aborted ? 'stopped' : 'caught-up'
}

type Copying = ReturnType<typeof startCopying>

/** Lives as long as the stream is open. */
function startCopying(parts: PipelineParts, stream: ClaimedStream) {
  const { clock, reader, requests } = parts
  const unreported: PipelineEvent[] = []
  requests.opened()
  const state = stream.checkpoint.state()
  // Reopening the producer may load the table again.
  const table: Pick<ClientTable, 'get' | 'partitions'> = {
    get: (key) => stream.checkpoint.table.get(key),
    partitions: () => stream.checkpoint.table.partitions(),
  }
  const builder = pageGroupBuilder({ ...parts.group, requests }, { state, table })
  const delivery = pageGroupDelivery({ ...parts, observe: reader.observe }, stream)
  const report = () => {
    const state = stream.checkpoint.state()
    requests.carriedOut(state.carriedOut)
    const { beginAt, settings } = reader
    const shown = { indexed: stream.checkpoint.table.size(), beginAt, now: clock.now(), timeZone: settings.timeZone }
    const progress = republishProgress(state, shown)
    if (progress !== undefined) requests.progressed(progress)
  }
  report() // what an earlier opening carried out may not be recorded yet
  const finishGroup = (): FinishedPageGroup => {
    const group = builder.finish()
    const ended = [...group.erased.map(erasedEvent), ...group.republished.map(republishEnded), ...removalEvents(group)]
    return { group, events: [...unreported.splice(0), ...ended] }
  }
  const marks = markChanges()
  const { scans: states, mapping } = state
  return {
    parts,
    builder,
    goneClients: { table: () => stream.checkpoint.table, changes: marks.count, until: marks.until },
    from: { states, mapping, processed: builder, requests, sourceMoved: stream.sourceMoved },
    checkpoint: () => stream.checkpoint,
    /** Invariant 1: the end of a scan is reported only after its last page is delivered. */
    progress: scanProgress({ clock, ...reader.settings }, (event) => unreported.push(event)),
    finishGroup,
    ...delivery,
    deliver: async (finished: FinishedPageGroup) => {
      await delivery.deliver(finished).catch((error: unknown) => throwUnlessRefused(parts, finished.group, error))
      builder.delivered(finished.group)
      report()
      if (changesMarks(finished.group)) marks.changed()
    },
  }
}

function erasedEvent({ request, outcome }: ErasedClient): PipelineEvent {
  const { id, reason, requestedAt, requestedBy } = request
  return { kind: 'client-erased', request: id, reason, requestedAt, requestedBy, outcome }
}

function republishEnded({ id, outcome, published = 0, changed = 0, missing = [] }: CarriedOut): PipelineEvent {
  const isComplete = outcome === 'complete'
  const counts = { published, changed, missing: missing.length }
  return { kind: 'republish-ended', request: id, outcome: isComplete ? 'complete' : 'cancelled', ...counts }
}

const REFUSED_RETRY_MS = 3_600_000

/** An erasure has a group of its own: if brokers reject its tombstone, it waits, and the stream is opened again. */
function throwUnlessRefused({ reader, ...parts }: PipelineParts, { erased }: PageGroup, error: unknown): never {
  if (erased.length === 0 || codeOf(error) !== 'publish.refused') throw error
  const waiting = { ...parts, retryAt: parts.erasureRetryAt, observe: reader.observe }
  for (const { request } of erased) postponeErasure(waiting, request.id, { error, byMs: REFUSED_RETRY_MS })
  throw new ConnectorError('publish.failed', 'publish a requested erasure: Kafka rejects the tombstone', {
    cause: error,
  })
}

/** Delivers one group after another; gathers the next one while the previous one is delivered. */
async function copyPages(copying: Copying, stop: AbortSignal): Promise<void> {
  const { finishGroup, deliver } = copying
  const reading = linkedAbort(stop)
  const pages = readAhead(readings(copying, reading.signal))
  let delivery = Promise.resolve()
  try {
    for (;;) {
      const end = await gatherDuring(delivery, { copying, pages }, stop)
      const finished = finishGroup()
      // Invariant 6: gathered pages are delivered, even if `stop` has aborted meanwhile.
      if (!isEmpty(finished.group)) delivery = deliver(finished)
      if (end === 'stopped') return await delivery
    }
  } finally {
    reading.abort()
    await Promise.allSettled([delivery, pages.close()])
  }
}

/** What is published beside the pages does not wait for one: the source may be down. */
function readings(
  { parts, from, builder, checkpoint, goneClients: marks }: Copying,
  stop: AbortSignal,
): AsyncGenerator<Reading> {
  const { reader, group, clock, publisher } = parts
  const { observe } = reader
  const pages = readPages(reader, from, stop)
  const erasing = { ...parts, builder, retryAt: parts.erasureRetryAt, checkpoint, observe }
  const all = merged<Reading>(pages, requestedErasures(erasing, stop))
  if (group.removal === undefined) return all
  return merged(all, goneClients({ ...group.removal, ...marks, clock, publisher, observe }, stop))
}

const isEmpty = ({ pages, change, endsRemovals }: PageGroup) => pages === 0 && change.entries === '' && !endsRemovals

/**
 * Gathers a group while the previous one is delivered, then saved. Writes never overlap; all are done when it settles.
 */
async function gatherDuring(
  delivery: Promise<void>,
  { copying, pages }: { copying: Copying; pages: ReadAhead<Reading> },
  stop: AbortSignal,
): Promise<GroupEnd> {
  const gatheringEnded = new AbortController()
  const written = delivery.then(() => copying.saveInTime(gatheringEnded.signal))
  try {
    return await unlessFails(written, gatherGroup({ ...copying.parts, ...copying }, pages, stop))
  } catch (error) {
    gatheringEnded.abort()
    await written
    // The source has failed, not a write: the checkpoint is saved now, before the commit record can expire.
    await copying.save()
    throw error
  } finally {
    gatheringEnded.abort()
    await written
  }
}

/** Resolves with the second; rejects as soon as the first rejects. */
function unlessFails<Result>(first: Promise<void>, second: Promise<Result>): Promise<Result> {
  return Promise.race([second, first.then(() => second)])
}
