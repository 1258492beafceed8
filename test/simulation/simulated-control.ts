import type { ControlDocument } from '../../connector/control/control-document.ts'
import { createChanges } from '../../connector/runtime/changes.ts'
import type { PausableParts } from '../../connector/stream/pausable-stream.ts'

/** What one replica knows of the requests of operators; it learns of a new one when the history releases that. */
export interface SimulatedControl {
  readonly watch: PausableParts['control']
  learn(document: ControlDocument): void
}

export function simulatedControl(document: ControlDocument): SimulatedControl {
  const { changed, until } = createChanges()
  let known = document
  return {
    watch: { until, current: () => known, failure: () => undefined, carriedOut: () => undefined },
    learn: (latest) => {
      known = latest
      changed()
    },
  }
}
