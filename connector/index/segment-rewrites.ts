import type { Clock } from '../runtime/clock.ts'
import { HOUR_MS } from '../runtime/units.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import type { SegmentReference } from './index-state.ts'
import { isDamage, readTwice } from './load-table.ts'
import { SegmentMemory } from './segment.ts'
import { nextStep, replaced, type SegmentLimits, type SegmentStep } from './segment-plan.ts'
import { type NewSegment, writeBase } from './write-segment.ts'

/** The merges and dumps of a stored index, in the background. At most one of each is in progress. */
export interface SegmentRewrites {
  /** The segments as the next document should name them: with what is finished. */
  installed(segments: readonly SegmentReference[]): readonly SegmentReference[]
  /** Begins what these segments need, unless it must wait for what is in progress. They must have what is finished. */
  beginDue(segments: readonly SegmentReference[]): void
  /** Whether there may be segments that no document names yet. */
  areUnnamed(): boolean
  /** The whole index is to be written again, because a segment is missing or damaged. */
  requestDump(): void
}

export interface RewriteParts {
  readonly store: SegmentStore
  readonly table: ClientTable
  readonly clock: Clock
  readonly limits?: SegmentLimits | undefined
  readonly upload: (segment: NewSegment, finish: AbortSignal) => Promise<SegmentReference>
  /** Reports what rejects. */
  readonly inBackground: (work: Promise<void>) => void
  readonly closed: AbortSignal
}

interface Rewrite {
  readonly replaces: readonly SegmentReference[]
  /** Undefined: in progress. */
  readonly made?: readonly SegmentReference[]
}

interface Rewrites extends RewriteParts {
  merge: Rewrite | undefined
  dump: Rewrite | undefined
  /** By the monotonic clock. */
  dumpDueAt: number | undefined
  lastDumpAt: number | undefined
}

export function segmentRewrites(parts: RewriteParts): SegmentRewrites {
  const rewrites: Rewrites = {
    ...parts,
    merge: undefined,
    dump: undefined,
    dumpDueAt: undefined,
    lastDumpAt: undefined,
  }
  return {
    installed: (segments) => installed(rewrites, installed(rewrites, segments, 'dump'), 'merge'),
    beginDue: (segments) => {
      const step = stepNow(rewrites, segments)
      if (step.kind === 'merge') parts.inBackground(merge(rewrites, step))
      if (step.kind === 'dump') parts.inBackground(dump(rewrites, segments))
    },
    areUnnamed: () => rewrites.merge !== undefined || rewrites.dump !== undefined,
    requestDump: () => requestDump(rewrites),
  }
}

function installed(rewrites: Rewrites, segments: readonly SegmentReference[], which: 'merge' | 'dump') {
  const { [which]: rewrite } = rewrites
  if (rewrite?.made === undefined) return segments
  rewrites[which] = undefined
  return replaced(segments, { ...rewrite, made: rewrite.made })
}

/**
 * A dump replaces the segments that exist when it begins, so none of them may be in a merge. It may take minutes: newer
 * segments are merged meanwhile. Segments that are missing or damaged are not merged again before the dump.
 */
function stepNow(rewrites: Rewrites, segments: readonly SegmentReference[]): SegmentStep {
  const { dump: dumping, dumpDueAt, clock, table, limits } = rewrites
  if (rewrites.merge !== undefined) return none
  if (dumpDueAt !== undefined) return dumping !== undefined || clock.monotonic() < dumpDueAt ? none : { kind: 'dump' }
  if (dumping === undefined) return nextStep(segments, table.size(), limits)
  const inDump = new Set(dumping.replaces.map(({ name }) => name))
  const newer = segments.filter(({ name }) => !inDump.has(name))
  const step = nextStep(newer, table.size(), limits)
  return step.kind === 'dump' ? none : step
}

const none = { kind: 'none' } as const

async function merge(rewrites: Rewrites, { segments, tier }: Extract<SegmentStep, { kind: 'merge' }>): Promise<void> {
  const { store, upload, closed } = rewrites
  rewrites.merge = { replaces: segments }
  try {
    const memory = new SegmentMemory(segments.reduce((sum, { entries }) => sum + entries, 0))
    for (const segment of segments) {
      memory.merge(await readTwice(store, segment, closed))
    }
    const made = await upload({ tier, bytes: memory.bytes() }, closed)
    rewrites.merge = { replaces: segments, made: [made] }
  } catch (error) {
    rewrites.merge = undefined
    if (isDamage(error)) requestDump(rewrites)
    throw error
  }
}

/** Entries set meanwhile may be in the dump or not: the segments and the delta that follow it hold them. */
async function dump(rewrites: Rewrites, segments: readonly SegmentReference[]): Promise<void> {
  const { upload, closed, clock } = rewrites
  rewrites.dump = { replaces: segments }
  try {
    const made = await writeBase({ ...rewrites, write: (segment) => upload(segment, closed) }, closed)
    rewrites.dump = { replaces: segments, made }
    rewrites.dumpDueAt = undefined
    rewrites.lastDumpAt = clock.monotonic()
  } catch (error) {
    rewrites.dump = undefined
    throw error
  }
}

/** A dump writes the whole index, so a store that damages what it stores must not cause one after the other. */
const DUMP_PERIOD_MS = HOUR_MS

function requestDump(rewrites: Rewrites): void {
  const now = rewrites.clock.monotonic()
  rewrites.dumpDueAt ??= Math.max(now, (rewrites.lastDumpAt ?? now - DUMP_PERIOD_MS) + DUMP_PERIOD_MS)
}
