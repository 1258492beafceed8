import type { ResumePoint } from '../checkpoint/stream-state.ts'
import type { ClaimedStream } from './claimed-stream.ts'
import { drainProgress } from './drain-progress.ts'
import { type GroupParts, groupBuilder } from './group.ts'
import { type FinishedGroup, type GroupDeliveryParts, groupDelivery } from './group-delivery.ts'
import { type ReaderParts, type Reading, readPages } from './page-reader.ts'
import type { PipelineEvent } from './pipeline-event.ts'
import type { ReadFrom } from './polling.ts'
import { type ReadAhead, readAhead } from './read-ahead.ts'
import { refusalGuard } from './refusal-guard.ts'

export interface PipelineParts extends Omit<GroupDeliveryParts, 'observe'> {
  readonly reader: ReaderParts
  readonly group: GroupParts
  /** Group commit under a backlog: a transaction takes pages until one of these is reached. */
  readonly groupMaxSize: number
  readonly groupMaxDelayMs: number
  /** `one-drain` ends when the first drain does. */
  readonly until: 'stopped' | 'one-drain'
}

/** Why a group took no more pages. */
type GroupEnd =
  | { readonly kind: 'full' | 'drained' | 'stopped' }
  | { readonly kind: 'refused'; readonly at: ResumePoint }

/**
 * Copies pages from the source to Kafka until `stop` aborts or the drain ends (`until`). Rejects with a `ConnectorError` when the
 * stream has to be opened again or stops; what was not decided by then is read again.
 */
export async function runPipeline(
  parts: PipelineParts,
  stream: ClaimedStream,
  stop: AbortSignal,
): Promise<'stopped' | 'drained'> {
  const copying = startCopying(parts, stream)
  const refusals = refusalGuard(parts.reader)
  for (let from: ReadFrom = stream.checkpoint.state().resume; ; ) {
    const end = await copyPages(copying, from, stop)
    if (end.kind === 'refused') {
      from = refusals.readAgain(
        { ...end.at, lastModifiedAt: copying.builder.lastModifiedAt() },
        copying.builder.progress(),
      )
      continue
    }
    await copying.save()
    return end.kind === 'drained' ? 'drained' : 'stopped'
  }
}

type Copying = ReturnType<typeof startCopying>

/** What lives as long as the stream is open. */
function startCopying(parts: PipelineParts, stream: ClaimedStream) {
  const { clock, reader } = parts
  const passed: PipelineEvent[] = []
  const builder = groupBuilder(parts.group, stream.checkpoint.state())
  const { deliver, save } = groupDelivery({ ...parts, observe: reader.observe }, stream)
  return {
    parts,
    builder,
    /** Invariant 1: the end of a drain is told once its last page is done. */
    progress: drainProgress({ clock, ...reader.settings }, (event) => passed.push(event)),
    finishGroup: (): FinishedGroup => ({ group: builder.finish(), told: passed.splice(0) }),
    deliver,
    save,
  }
}

/** Group after group: the next one is gathered while the one before is delivered. */
async function copyPages(copying: Copying, from: ReadFrom, stop: AbortSignal): Promise<GroupEnd> {
  const { parts, finishGroup, deliver } = copying
  const over = new AbortController()
  const pages = readAhead(readPages(parts.reader, from, AbortSignal.any([stop, over.signal])))
  let delivery = Promise.resolve()
  try {
    for (;;) {
      const end = await unlessFails(delivery, gather(copying, pages, stop))
      await delivery
      const finished = finishGroup()
      // Invariant 6: what was taken is delivered, also when `stop` has come meanwhile.
      if (finished.group.pages > 0) delivery = deliver(finished)
      if (isLast(end, parts)) {
        await delivery
        return end
      }
    }
  } finally {
    over.abort()
    await Promise.allSettled([delivery, pages.close()])
  }
}

function isLast(end: GroupEnd, { until }: PipelineParts): boolean {
  return end.kind === 'stopped' || end.kind === 'refused' || (end.kind === 'drained' && until === 'one-drain')
}

/** Waits for the second; rejects as soon as the first does. */
function unlessFails<Result>(first: Promise<void>, second: Promise<Result>): Promise<Result> {
  return Promise.race([second, first.then(() => second)])
}

/** Takes the next page, and under a backlog those that follow soon enough; the tail never waits. */
async function gather(
  { parts, builder, progress }: Copying,
  pages: ReadAhead<Reading>,
  stop: AbortSignal,
): Promise<GroupEnd> {
  const over = new AbortController()
  let patience: Promise<unknown> | undefined
  try {
    for (let reading = await takeUnlessStopped(pages, stop); reading !== undefined; reading = await pages.take()) {
      if (reading.kind === 'refused') return reading
      const before = builder.size()
      builder.add(reading)
      progress(reading, builder.size() - before)
      if (reading.isLastOfDrain) return { kind: 'drained' }
      if (builder.size() >= parts.groupMaxSize) return { kind: 'full' }
      patience ??= parts.clock.sleep(parts.groupMaxDelayMs, AbortSignal.any([stop, over.signal])).catch(() => {})
      if ((await pages.peek(patience)) === undefined) return { kind: stop.aborted ? 'stopped' : 'full' }
    }
    return { kind: 'stopped' }
  } finally {
    over.abort()
  }
}

/** Once `stop` asks for no further page: the one that was read already, so that nobody reads it again, or undefined. */
async function takeUnlessStopped(pages: ReadAhead<Reading>, stop: AbortSignal): Promise<Reading | undefined> {
  if (stop.aborted && (await pages.peek(Promise.resolve())) === undefined) return undefined
  try {
    return await pages.take()
  } catch (error) {
    if (stop.aborted) return undefined
    throw error
  }
}
