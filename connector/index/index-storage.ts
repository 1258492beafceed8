import type { Clock } from '../runtime/clock.ts'
import { HOUR_MS } from '../runtime/units.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { deltaWords, type IndexState, type SegmentReference } from './index-state.ts'
import { isDamage, joined, readTwice, sortedEntries } from './load-table.ts'
import { isDeltaFull, nextStep, replaced, type SegmentLimits, type SegmentStep } from './segment-plan.ts'
import { type NewSegment, writeBase, writeSegment } from './write-segment.ts'

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

/** What a merge or a dump made of which segments. */
interface Rewrite {
  readonly replaces: readonly SegmentReference[]
  readonly made: readonly SegmentReference[]
}

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
  /** When to write the whole index again, because a segment is missing or damaged; by the monotonic clock. */
  dumpDueAt: number | undefined
  lastDumpAt: number | undefined
  /** To be installed with the next document. */
  finished: Rewrite | undefined
  isRewriting: boolean
  readonly background: Set<Promise<void>>
  readonly closed: AbortController
}

/** `claimed`: the index of the document that this replica claimed. */
export function indexStorage(claimed: IndexState, parts: IndexStorageParts): IndexStorage {
  const names = claimed.segments.map(({ name }) => name)
  const upkeep: Upkeep = {
    ...parts,
    known: new Set(names),
    documents: 0,
    named: new Set(names),
    finished: undefined,
    isRewriting: false,
    dumpDueAt: undefined,
    lastDumpAt: undefined,
    background: new Set(),
    closed: new AbortController(),
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
  let { segments, delta } = state
  if (upkeep.finished !== undefined) segments = replaced(segments, upkeep.finished)
  upkeep.finished = undefined
  upkeep.documents = delta === '' ? 0 : upkeep.documents + 1
  if (isDeltaFull(state, upkeep.documents, upkeep.limits)) {
    segments = [...segments, await upload(upkeep, { tier: 0, words: sortedEntries(deltaWords(delta)) }, finish)]
    delta = ''
    upkeep.documents = 0
  }
  const step = stepNow(upkeep, segments)
  // A rewrite that finished during the upload is installed before the next one begins.
  const mayBegin = !upkeep.isRewriting && upkeep.finished === undefined
  if (step.kind !== 'none' && mayBegin) begin(upkeep, step, segments)
  return { ...state, segments, delta }
}

/** Segments that are missing or damaged are not merged again before the dump. */
function stepNow({ dumpDueAt, clock, table, limits }: Upkeep, segments: readonly SegmentReference[]): SegmentStep {
  if (dumpDueAt === undefined) return nextStep(segments, table.size(), limits)
  return clock.monotonic() < dumpDueAt ? { kind: 'none' } : { kind: 'dump' }
}

/** A dump writes the whole index, so a store that damages what it stores must not cause one after the other. */
const DUMP_PERIOD_MS = HOUR_MS

function requestDump(upkeep: Upkeep): void {
  const now = upkeep.clock.monotonic()
  upkeep.dumpDueAt ??= Math.max(now, (upkeep.lastDumpAt ?? now - DUMP_PERIOD_MS) + DUMP_PERIOD_MS)
}

function begin(upkeep: Upkeep, step: SegmentStep, segments: readonly SegmentReference[]): void {
  upkeep.isRewriting = true
  const { signal } = upkeep.closed
  // Entries set meanwhile may be in a dump or not: the segments and the delta that follow it hold them.
  const write = (segment: NewSegment) => upload(upkeep, segment, signal)
  const work = async () => {
    try {
      upkeep.finished =
        step.kind === 'merge'
          ? { replaces: step.segments, made: [await merge(upkeep, step)] }
          : { replaces: segments, made: await writeBase({ ...upkeep, write }, signal) }
      if (step.kind === 'merge') return
      upkeep.dumpDueAt = undefined
      upkeep.lastDumpAt = upkeep.clock.monotonic()
    } catch (error) {
      if (isDamage(error)) requestDump(upkeep)
      throw error
    } finally {
      upkeep.isRewriting = false
    }
  }
  inBackground(upkeep, work())
}

function written(upkeep: Upkeep, { segments }: IndexState): void {
  const { known } = upkeep
  const named = new Set(segments.map(({ name }) => name))
  upkeep.named = named
  // What a merge or a dump has made is not named yet.
  if (!upkeep.isRewriting && upkeep.finished === undefined)
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
  if (missing.length > 0) requestDump(upkeep)
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
  const { reference, bytes } = await writeSegment(upkeep, segment, finish)
  upkeep.known.add(reference.name)
  upkeep.observe({ kind: 'segment-written', tier: segment.tier, bytes })
  return reference
}

async function merge(upkeep: Upkeep, { segments, tier }: Extract<SegmentStep, { kind: 'merge' }>) {
  const { signal } = upkeep.closed
  const read: Uint32Array[] = []
  for (const segment of segments) read.push(await readTwice(upkeep.store, segment, signal))
  return await upload(upkeep, { tier, words: sortedEntries(joined(read)) }, signal)
}
