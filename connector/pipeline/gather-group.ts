import { setImmediate as otherWork } from 'node:timers/promises'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ReadAhead } from '../runtime/read-ahead.ts'
import { MAX_ENTRIES } from './group/open-group.ts'
import type { Added, PageGroupBuilder } from './group/page-group.ts'
import type { PageReading, Reading } from './read/page-reading.ts'

/** Why a group takes no more readings. */
export type GroupEnd = 'full' | 'complete' | 'stopped'

interface GatherParts {
  readonly builder: Pick<PageGroupBuilder, 'add' | 'addRest' | 'size' | 'entries'>
  /** Called for each page, with the size of what it adds to the group. */
  readonly progress: (reading: PageReading, size: number) => void
  readonly clock: Pick<Clock, 'sleep'>
  readonly groupMaxSize: number
  readonly groupMaxDelayMs: number
}

/**
 * Takes the next page and, under a backlog, those that follow within `groupMaxDelayMs`. The end of a scan never waits.
 */
export async function gatherGroup(
  { builder, progress, clock, groupMaxSize, groupMaxDelayMs }: GatherParts,
  pages: ReadAhead<Reading>,
  stop: AbortSignal,
): Promise<GroupEnd> {
  // Invariant 6: a page that is partly delivered is finished.
  const rest = await addSlices(builder, builder.addRest())
  if (rest !== 'whole') return rest === 'part' ? 'full' : 'complete'
  const delaying = linkedAbort(stop)
  let delay: Promise<unknown> | undefined
  try {
    for (let reading = await takeUnlessStopped(pages, stop); reading !== undefined; reading = await pages.take()) {
      const before = builder.size()
      const added = await addSlices(builder, builder.add(reading))
      if (reading.kind === 'page') progress(reading, builder.size() - before)
      if (added === 'part' || builder.size() >= groupMaxSize || builder.entries() >= MAX_ENTRIES) return 'full'
      if (reading.kind !== 'page' || reading.isLast) return 'complete'
      delay ??= clock.sleep(groupMaxDelayMs, delaying.signal).catch(() => {})
      if ((await pages.peek(delay)) === undefined) return stop.aborted ? 'stopped' : 'full'
    }
    return 'stopped'
  } finally {
    delaying.abort()
  }
}

/** Adds the rest of a large page, in slices. */
async function addSlices(builder: GatherParts['builder'], first: Added): Promise<Added> {
  let added = first
  while (added === 'slice') {
    await otherWork()
    added = builder.addRest()
  }
  return added
}

/** Once `stop` has aborted, takes only a page that is already read, so that it is not read again. */
async function takeUnlessStopped(pages: ReadAhead<Reading>, stop: AbortSignal): Promise<Reading | undefined> {
  if (stop.aborted && (await pages.peek(Promise.resolve())) === undefined) return undefined
  try {
    return await pages.take()
  } catch (error) {
    if (stop.aborted) return undefined
    throw error
  }
}
