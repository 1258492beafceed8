import type { Placement } from '../../connector/placement/placement.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import type { StreamParts } from '../../connector/stream/run-stream.ts'

/** Defects injected on purpose, to show that the checks find them. */
export interface Defects {
  readonly fencing?: 'off'
  readonly conditions?: 'ignored'
  readonly segments?: (store: SegmentStore) => SegmentStore
  /** `stop` aborts when the stream is asked to stop. */
  readonly stream?: (parts: StreamParts, of: { readonly replica: string; readonly stop: AbortSignal }) => StreamParts
  readonly placement?: (placement: Placement, replica: string) => Placement
}
