import type { StreamParts } from '../../connector/pipeline/run-stream.ts'
import type { Placement } from '../../connector/placement/placement.ts'

/** What is broken on purpose, to show that the checks see it. */
export interface Surgery {
  readonly fencing?: 'off'
  readonly conditions?: 'ignored'
  /** `stop` aborts when the run is told to stop. */
  readonly stream?: (parts: StreamParts, of: { readonly replica: string; readonly stop: AbortSignal }) => StreamParts
  readonly placement?: (placement: Placement, replica: string) => Placement
}
