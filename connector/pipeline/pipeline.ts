import type { StreamRequests } from '../control/stream-requests.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { type ReadAhead, readAhead } from '../runtime/read-ahead.ts'
import { type DeliveryParts, type FinishedPageGroup, type OpenStream, pageGroupDelivery } from './delivery.ts'
import type { Feature } from './features/part.ts'
import { gatherGroup } from './gather-group.ts'
import type { PageGroup, PageGroupParts } from './group/building.ts'
import type { OpenGroup } from './group/open-group.ts'
import { type PageGroupBuilder, pageGroupBuilder } from './group/page-group.ts'
import type { PipelineEvent } from './pipeline-event.ts'
import { readPages } from './read/page-reader.ts'
import type { PageReading } from './read/page-reading.ts'
import type { ReaderParts } from './read/reader-parts.ts'
import { scanProgress } from './scan-progress.ts'

export interface PipelineParts extends Omit<DeliveryParts, 'observe' | 'onDelivered'> {
  readonly reader: ReaderParts
  readonly group: Omit<PageGroupParts, 'requests'>
  readonly features: readonly Feature[]
  readonly requests: StreamRequests
  /** Group commit: under a backlog, pages join a group until one of these limits is reached. */
  readonly groupMaxSize: number
  readonly groupMaxDelayMs: number
}

/**
 * Copies pages from the source to Kafka until `stop` aborts or the reader ends: delivers one group after another, and
 * gathers the next one meanwhile. Rejects with a `ConnectorError` on any failure; pages that were not committed by then
 * are read again.
 */
export async function runPipeline(
  parts: PipelineParts,
  stream: OpenStream,
  stop: AbortSignal,
): Promise<'stopped' | 'caught-up'> {
  const copying = startCopying(parts, stream)
  const { from, finishGroup, deliver, save } = copying
  const reading = linkedAbort(stop)
  const pages = readAhead(readPages(parts.reader, from, reading.signal))
  let delivery = Promise.resolve()
  try {
    for (let end: GroupEnd = 'complete'; end !== 'stopped'; ) {
      end = await gatherDuring(delivery, { copying, pages }, stop)
      const finished = finishGroup()
      // Invariant 6: gathered pages are delivered, even if `stop` has aborted meanwhile.
      if (!isEmpty(finished.group)) delivery = deliver(finished)
    }
    await delivery
  } finally {
    reading.abort()
    await Promise.allSettled([delivery, pages.close()])
  }
  await save()
  return stop.aborted ? 'stopped' : 'caught-up'
}

type Copying = ReturnType<typeof startCopying>

/** Lives as long as the stream is open. */
function startCopying(parts: PipelineParts, stream: OpenStream) {
  const { clock, reader, requests } = parts
  const { observe } = reader
  const unreported: PipelineEvent[] = []
  requests.opened()
  const builder = openBuilder(parts, stream)
  const report = () => requests.carriedOut(stream.checkpoint.state().carriedOut)
  const onDelivered = (group: PageGroup) => {
    builder.delivered(group)
    report()
  }
  report() // what an earlier opening carried out may not be recorded yet
  const { scans: states, mapping } = stream.checkpoint.state()
  return {
    parts,
    builder,
    from: { states, mapping, processed: builder, parts: builder.parts },
    /** Invariant 1: the end of a scan is reported only after its last page is delivered. */
    progress: scanProgress({ clock, ...reader.settings }, (event) => unreported.push(event)),
    finishGroup: (): FinishedPageGroup => ({ group: builder.finish(), events: unreported.splice(0) }),
    ...pageGroupDelivery({ ...parts, observe, onDelivered }, stream),
  }
}

function openBuilder(parts: PipelineParts, stream: OpenStream): PageGroupBuilder {
  const { clock, requests, reader, features, group } = parts
  const { checkpoint } = stream
  const state = checkpoint.state()
  const { scanSettings, beginAt } = group
  const opened = { requests, scanSettings, beginAt, clock, observe: reader.observe, checkpoint }
  const openParts = (group: OpenGroup) =>
    features.map(({ name, open }) => open({ ...opened, group, stored: state.parts[name] }))
  return pageGroupBuilder({ ...group, requests }, { state, table: checkpoint.table, openParts })
}

const isEmpty = ({ pages }: PageGroup) => pages === 0

type GroupEnd = Awaited<ReturnType<typeof gatherGroup>>

/**
 * Gathers a group while the previous one is delivered, then saved. Writes never overlap; all are done when it settles.
 */
async function gatherDuring(
  delivery: Promise<void>,
  { copying, pages }: { copying: Copying; pages: ReadAhead<PageReading> },
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
