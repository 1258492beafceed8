import type { SegmentStore } from '../storage/checkpoint-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_BYTES, hasUnknownContent } from './index-entry.ts'
import { deltaEntryCount, encodedEntriesOf, type IndexState, type SegmentReference } from './index-state.ts'
import {
  dueRewrite,
  objectsOf,
  type Rewrite,
  type SegmentWriter,
  tableObjects,
  withReplacement,
  writeSegment,
} from './segments.ts'

/**
 * Stores the index of a claimed stream in segments (docs/decisions/20261202-memory.md). A full delta leaves the
 * document as a segment. In the background, full tiers and the whole index are written again from the table, and
 * segments are deleted that no document names any more.
 */
export interface IndexStorage {
  /**
   * Returns the same index in the form that the next document should hold: with a finished rewrite, and with a full
   * delta in a segment, whose upload this waits for. Begins a rewrite when one is due. Rejects with `storage.*`, or the
   * reason of `finish`.
   */
  writeDueSegments(state: IndexedState, finish: AbortSignal): Promise<IndexState>
  /**
   * Must be called when the document with this index is known to be stored, with the same index in `committed` and
   * `pending`. Deletes, in the background, the segments that it does not name any more, also those
   * whose deletion has failed before.
   */
  onDocumentStored(state: IndexState): void
  /** Ends the work in the background. Never rejects. */
  close(): Promise<void>
}

/** The table holds this index, of a decided state whose next event has this number. */
interface IndexedState {
  readonly index: IndexState
  readonly nextEvent: number
}

export interface IndexStorageParts extends SegmentWriter {
  readonly store: SegmentStore
  readonly table: ClientTable
  readonly observe: (event: IndexEvent) => void
}

export type IndexEvent =
  | { readonly kind: 'segment-written'; readonly tier: SegmentReference['tier']; readonly bytes: number }
  /** Work in the background has failed, and is done again when it is due. */
  | { readonly kind: 'index-upkeep-failed'; readonly error: unknown }

interface IndexUpkeep extends IndexStorageParts {
  /** Segments that documents of this claim have named, or earlier claims have left, and that are not deleted yet. */
  readonly knownSegments: Set<string>
  /** `newSegments` is undefined while it is in progress. */
  rewrite: (Rewrite & { readonly newSegments?: readonly SegmentReference[] }) | undefined
  readonly background: Set<Promise<void>>
  readonly closing: AbortController
}

/**
 * Begins with `indexOfClaim`, that of the document of this replica's claim. The first document that is stored also
 * deletes the segments that earlier claims have left.
 */
export function indexStorage(indexOfClaim: IndexState, parts: IndexStorageParts): IndexStorage {
  const upkeep: IndexUpkeep = {
    ...parts,
    knownSegments: new Set(indexOfClaim.segments.map(({ name }) => name)),
    rewrite: undefined,
    background: new Set(),
    closing: new AbortController(),
  }
  runInBackground(upkeep, findLeftSegments(upkeep))
  return {
    writeDueSegments: (state, finish) => writeDueSegments(upkeep, state, finish),
    onDocumentStored: ({ segments }) => {
      const names = new Set(segments.map(({ name }) => name))
      const unnamed = [...upkeep.knownSegments].filter((name) => !names.has(name))
      runInBackground(upkeep, removeSegments(upkeep, unnamed))
    },
    close: async () => {
      upkeep.closing.abort()
      await Promise.all(upkeep.background)
    },
  }
}

async function writeDueSegments(
  upkeep: IndexUpkeep,
  { index, nextEvent }: IndexedState,
  finish: AbortSignal,
): Promise<IndexState> {
  const { limits, knownSegments, table } = upkeep
  let { segments, delta } = index
  if (upkeep.rewrite?.newSegments !== undefined) {
    segments = withReplacement(segments, { replaces: upkeep.rewrite.replaces, newSegments: upkeep.rewrite.newSegments })
    upkeep.rewrite = undefined
  }
  if (deltaEntryCount(delta) > limits.deltaEntries) {
    const words = encodedEntriesOf(delta)
    const range = { tier: 0, from: segments.at(-1)?.to ?? 0, to: nextEvent, hasUnknown: hasUnknownContent(words) }
    segments = [...segments, ...(await writeAndReport(upkeep, { range, objects: objectsOf(words, limits) }, finish))]
    delta = ''
  }
  for (const { name } of segments) knownSegments.add(name)
  const due = upkeep.rewrite === undefined ? dueRewrite(segments, table.size(), limits.fanOut) : undefined
  if (due !== undefined) runInBackground(upkeep, rewrite(upkeep, due))
  return { ...index, segments, delta }
}

/**
 * Writes segments again as one. Entries that are set meanwhile may be in it or not, since the newer segments and the
 * delta hold them.
 */
async function rewrite(upkeep: IndexUpkeep, due: Rewrite) {
  const { closing } = upkeep
  upkeep.rewrite = due
  try {
    const objects = tableObjects(upkeep, due.range, closing.signal)
    const newSegments = await writeAndReport(upkeep, { range: due.range, objects }, closing.signal)
    upkeep.rewrite = { ...due, newSegments }
  } catch (error) {
    upkeep.rewrite = undefined
    throw error
  }
}

async function writeAndReport(
  upkeep: IndexUpkeep,
  segment: Parameters<typeof writeSegment>[1],
  finish: AbortSignal,
): Promise<SegmentReference[]> {
  const newSegments = await writeSegment(upkeep, segment, finish)
  for (const { tier, entries } of newSegments) {
    upkeep.observe({ kind: 'segment-written', tier, bytes: entries * ENTRY_BYTES })
  }
  return newSegments
}

/** Returns the claim epoch under which a segment was written. */
const epochOf = (name: string) => Number.parseInt(name, 10)

/** Finds what earlier claims have left, which the next stored document deletes unless it names it. */
async function findLeftSegments({ store, epoch, knownSegments, closing }: IndexUpkeep) {
  for (const name of await store.list(closing.signal)) if (epochOf(name) < epoch) knownSegments.add(name)
}

/** Stops at the first failure, as the next deletion may fail too; the next stored document deletes the rest. */
async function removeSegments({ store, knownSegments, closing }: IndexUpkeep, names: readonly string[]) {
  const rest = new Set(names)
  // A document that is stored meanwhile must not delete them as well.
  for (const name of rest) knownSegments.delete(name)
  try {
    for (const name of names) {
      await store.remove(name, closing.signal)
      rest.delete(name)
    }
  } finally {
    for (const name of rest) knownSegments.add(name)
  }
}

function runInBackground(upkeep: IndexUpkeep, work: Promise<void>) {
  const { background, closing, observe } = upkeep
  const task = work
    .catch((error: unknown) => {
      if (!closing.signal.aborted) observe({ kind: 'index-upkeep-failed', error })
    })
    .finally(() => background.delete(task))
  background.add(task)
}
