import type { ControlDocument } from '../../connector/control/control-document.ts'
import type { CarriedOut } from '../../connector/control/stream-requests.ts'
import { createChanges } from '../../connector/runtime/changes.ts'
import type { PausableParts } from '../../connector/stream/pausable-stream.ts'

/** What one replica knows of the requests of operators; it learns of a new one when the history releases that. */
export interface SimulatedControl {
  readonly watch: PausableParts['control']
  learn(document: ControlDocument): void
}

/** `record`: writes into the control object that the replica has carried out a request. */
export function simulatedControl(document: ControlDocument, record: (request: CarriedOut) => void): SimulatedControl {
  const { changed, until } = createChanges()
  let known = document
  return {
    watch: { until, current: () => known, failure: () => undefined, carriedOut: record },
    learn: (latest) => {
      known = latest
      changed()
    },
  }
}
