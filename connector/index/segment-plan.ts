import { deltaEntries, type IndexState, type SegmentReference } from './index-state.ts'
import { MAX_SEGMENT_ENTRIES } from './segment.ts'

/** What the stored index needs next. Together these rules write at most five bytes for each byte added. */
export type SegmentStep =
  | { readonly kind: 'none' }
  /** These segments, next to each other, become one of this tier. */
  | { readonly kind: 'merge'; readonly segments: readonly SegmentReference[]; readonly tier: number }
  /** The whole index is written again. */
  | { readonly kind: 'dump' }

/** When the stored index is written again. */
export interface SegmentLimits {
  /** A delta leaves the document when it is larger (32 KB), or has been in so many documents. */
  readonly deltaEntries: number
  readonly deltaDocuments: number
  /** So many segments of a tier are merged. */
  readonly fanOut: number
  /** A merged segment has at most so many entries; one with more than half of them is merged no more. */
  readonly mergedEntries: number
  /** A small index is not written again for fewer entries that newer ones have replaced. */
  readonly minDumpEntries: number
  /** A dump has several segments if there are more. */
  readonly segmentEntries: number
}

export const segmentLimits: SegmentLimits = {
  deltaEntries: 1365,
  deltaDocuments: 16,
  fanOut: 16,
  mergedEntries: MAX_SEGMENT_ENTRIES,
  minDumpEntries: 32_768,
  segmentEntries: MAX_SEGMENT_ENTRIES,
}

/** `documents`: how many have held the delta. */
export function isDeltaFull({ delta }: Pick<IndexState, 'delta'>, documents: number, limits = segmentLimits): boolean {
  return deltaEntries(delta) > limits.deltaEntries || (delta !== '' && documents >= limits.deltaDocuments)
}

/** `clients`: how many entries the index has. */
export function nextStep(segments: readonly SegmentReference[], clients: number, limits = segmentLimits): SegmentStep {
  // A dump removes at least as many entries as it writes.
  if (entriesIn(segments) - clients >= Math.max(limits.minDumpEntries, clients)) return { kind: 'dump' }
  const tiers = new Set(segments.map(({ tier }) => tier).filter((tier) => tier !== 'base'))
  for (const tier of tiers) {
    const merged = mergeable(segments, tier, limits)
    if (merged.length > 1) return { kind: 'merge', segments: merged, tier: tier + 1 }
  }
  return { kind: 'none' }
}

/** The longest row of neighbours of this tier that fit one segment, if the tier has enough small segments. */
function mergeable(
  segments: readonly SegmentReference[],
  wanted: number,
  { fanOut, mergedEntries }: SegmentLimits,
): readonly SegmentReference[] {
  const isSmall = ({ tier, entries }: SegmentReference) => tier === wanted && entries <= mergedEntries / 2
  if (segments.filter(isSmall).length < fanOut) return []
  let longest: readonly SegmentReference[] = []
  let row: readonly SegmentReference[] = []
  for (const segment of segments) {
    row = isSmall(segment) ? [...row, segment] : []
    while (row.length > fanOut || entriesIn(row) > mergedEntries) row = row.slice(1)
    if (row.length > longest.length) longest = row
  }
  return longest
}

const entriesIn = (segments: readonly SegmentReference[]): number =>
  segments.reduce((sum, { entries }) => sum + entries, 0)

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
