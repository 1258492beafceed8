import type { Clock } from '../runtime/clock.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { deltaWords, type IndexState, type SegmentReference } from './index-state.ts'
import { segmentBytes, sortedEntries } from './segment.ts'
import { isDeltaFull, type SegmentLimits } from './segment-plan.ts'
import { type SegmentRewrites, segmentRewrites } from './segment-rewrites.ts'
import { type NewSegment, writeSegment } from './write-segment.ts'

/**
 * Keeps the stored index of a claimed stream small: moves its delta into segments, merges these, and deletes what is no
 * longer named.
 */
export interface IndexStorage {
  /**
   * The same index as the next document should hold it: with finished merges, and with a full delta in a segment, whose
   * upload it waits for. Begins merges when they are due. Rejects with `storage.*`, or the reason of `finish`.
   */
  represent(state: IndexState, finish: AbortSignal): Promise<IndexState>
  /**
   * The document with this index is known to be written: deletes, in the background, known segments that it does not
   * name.
   */
  written(state: IndexState): void
  /**
   * Compares the store, in the background, with the document written last: deletes orphans, and has the index dumped if
   * a segment is missing.
   */
  audit(): void
  /** Ends the work in the background. Never rejects. */
  close(): Promise<void>
}

export interface IndexStorageParts {
  readonly store: SegmentStore
  readonly table: ClientTable
  readonly clock: Clock
  /** The claim epoch of this replica. */
  readonly epoch: number
  readonly newNonce: () => string
  readonly limits?: SegmentLimits | undefined
  readonly observe: (event: IndexEvent) => void
}

export type IndexEvent =
  | { readonly kind: 'segment-written'; readonly tier: SegmentReference['tier']; readonly bytes: number }
  /** Work in the background failed; it is done again when it is due. */
  | { readonly kind: 'index-upkeep-failed'; readonly error: unknown }
  | { readonly kind: 'segments-missing'; readonly segments: number }

interface Upkeep extends IndexStorageParts {
  /**
   * Segments that exist, as far as we know: those that the claimed document named, and ours. Any other one is an orphan
   * of an earlier claim.
   */
  readonly known: Set<string>
  /** How many documents have held the delta. */
  documents: number
  /** Those that the document names that was written last. */
  named: ReadonlySet<string>
  readonly rewrites: SegmentRewrites
  readonly background: Set<Promise<void>>
  readonly closed: AbortController
}

/** `claimed`: the index of the document that this replica claimed. */
export function indexStorage(claimed: IndexState, parts: IndexStorageParts): IndexStorage {
  const names = claimed.segments.map(({ name }) => name)
  const closed = new AbortController()
  const upkeep: Upkeep = {
    ...parts,
    known: new Set(names),
    documents: 0,
    named: new Set(names),
    rewrites: segmentRewrites({
      ...parts,
      upload: (segment, finish) => upload(upkeep, segment, finish),
      inBackground: (work) => inBackground(upkeep, work),
      closed: closed.signal,
    }),
    background: new Set(),
    closed,
  }
  return {
    represent: (state, finish) => represent(upkeep, state, finish),
    written: (state) => written(upkeep, state),
    audit: () => inBackground(upkeep, audit(upkeep)),
    close: async () => {
      upkeep.closed.abort()
      await Promise.all(upkeep.background)
    },
  }
}

async function represent(upkeep: Upkeep, state: IndexState, finish: AbortSignal): Promise<IndexState> {
  const { rewrites, limits } = upkeep
  let { delta } = state
  let segments = rewrites.installed(state.segments)
  upkeep.documents = delta === '' ? 0 : upkeep.documents + 1
  if (isDeltaFull(state, upkeep.documents, limits)) {
    segments = [
      ...segments,
      await upload(upkeep, { tier: 0, bytes: segmentBytes(sortedEntries(deltaWords(delta))) }, finish),
    ]
    delta = ''
    upkeep.documents = 0
  }
  rewrites.beginDue(segments)
  return { ...state, segments, delta }
}

function written(upkeep: Upkeep, { segments }: IndexState): void {
  const { known, rewrites } = upkeep
  const named = new Set(segments.map(({ name }) => name))
  upkeep.named = named
  if (!rewrites.areUnnamed())
    remove(
      upkeep,
      [...known].filter((name) => !named.has(name)),
    )
}

async function audit(upkeep: Upkeep): Promise<void> {
  const { store, epoch, known, observe, closed } = upkeep
  const before = upkeep.named
  const present = new Set(await store.list(closed.signal))
  const { named } = upkeep
  const missing = [...before].filter((name) => named.has(name) && !present.has(name))
  if (missing.length > 0) observe({ kind: 'segments-missing', segments: missing.length })
  if (missing.length > 0) upkeep.rewrites.requestDump()
  remove(
    upkeep,
    [...present].filter((name) => epochOf(name) < epoch && !known.has(name)),
  )
}

function remove(upkeep: Upkeep, names: readonly string[]): void {
  const { store, known, closed } = upkeep
  for (const name of names) {
    known.delete(name)
    inBackground(upkeep, store.remove(name, closed.signal))
  }
}

function inBackground(upkeep: Upkeep, work: Promise<void>): void {
  const { background, closed, observe } = upkeep
  const task = work
    .catch((error: unknown) => {
      if (!closed.signal.aborted) observe({ kind: 'index-upkeep-failed', error })
    })
    .finally(() => background.delete(task))
  background.add(task)
}

/** The claim epoch under which a segment was written. */
const epochOf = (name: string): number => Number.parseInt(name, 10)

async function upload(upkeep: Upkeep, segment: NewSegment, finish: AbortSignal): Promise<SegmentReference> {
  const reference = await writeSegment(upkeep, segment, finish)
  upkeep.known.add(reference.name)
  upkeep.observe({ kind: 'segment-written', tier: segment.tier, bytes: segment.bytes.length })
  return reference
}
