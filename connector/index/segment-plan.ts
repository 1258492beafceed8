import type { IndexState, SegmentReference } from './index-state.ts'
import { deltaEntries } from './index-state.ts'
import { MAX_SEGMENT_ENTRIES } from './load-table.ts'

/** What the stored index needs next. Together these rules write at most four bytes for each byte added. */
export type SegmentStep =
  | { readonly kind: 'none' }
  /** These spills become one run. */
  | { readonly kind: 'merge'; readonly spills: readonly SegmentReference[] }
  /** The whole index is written again. */
  | { readonly kind: 'dump' }

/** When the stored index is written again. */
export interface SegmentLimits {
  /** A larger delta makes the document large: 32 KB. */
  readonly deltaEntries: number
  readonly spillsInRun: number
  readonly minDumpEntries: number
  /** A dump has several segments if there are more. */
  readonly segmentEntries: number
}

export const segmentLimits: SegmentLimits = {
  deltaEntries: 1365,
  spillsInRun: 16,
  minDumpEntries: 32_768,
  segmentEntries: MAX_SEGMENT_ENTRIES,
}

export function isDeltaFull({ delta }: Pick<IndexState, 'delta'>, { deltaEntries: most } = segmentLimits): boolean {
  return deltaEntries(delta) > most
}

export function nextStep(segments: readonly SegmentReference[], limits = segmentLimits): SegmentStep {
  const total = (tiers: readonly SegmentReference['tier'][]) =>
    segments.filter(({ tier }) => tiers.includes(tier)).reduce((sum, { entries }) => sum + entries, 0)
  if (total(['spill', 'run']) >= Math.max(limits.minDumpEntries, total(['base']))) return { kind: 'dump' }
  const spills = segments.filter(({ tier }) => tier === 'spill')
  return spills.length >= limits.spillsInRun ? { kind: 'merge', spills } : { kind: 'none' }
}

/**
 * The segments with `made` in the place of those that it `replaces`, which are older than all others, or next to each
 * other.
 */
export function replaced(
  segments: readonly SegmentReference[],
  { replaces, made }: { replaces: readonly SegmentReference[]; made: readonly SegmentReference[] },
): SegmentReference[] {
  const names = new Set(replaces.map(({ name }) => name))
  const first = segments.findIndex(({ name }) => names.has(name))
  const kept = (part: readonly SegmentReference[]) => part.filter(({ name }) => !names.has(name))
  return [...kept(segments.slice(0, first)), ...made, ...kept(segments.slice(first))]
}
