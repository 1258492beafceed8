import type { ControlDocument } from '../../connector/control/control-document.ts'
import type { ControlWatch } from '../../connector/control/control-watch.ts'
import type { CarriedOut, RepublishProgress, Waiting } from '../../connector/control/stream-requests.ts'
import { createChanges } from '../../connector/runtime/changes.ts'
import type { PausableParts } from '../../connector/stream/pausable-stream.ts'

/** What one replica knows of the requests of operators; it learns of a new one when the history releases that. */
export interface SimulatedControl {
  readonly watch: PausableParts['control'] & Pick<ControlWatch, 'since' | 'progressed'>
  learn(document: ControlDocument): void
}

interface ControlAccess {
  /** Writes into the control object that the replica has carried out a request. */
  readonly record: (request: CarriedOut) => void
  readonly progressed: (progress: RepublishProgress | Waiting) => void
  /** Has the replica learn of the present document. */
  readonly read: () => void
}

export function simulatedControl(
  document: ControlDocument,
  { record, progressed, read }: ControlAccess,
): SimulatedControl {
  const { changed, until } = createChanges()
  let known = document
  let reads = 0
  const since = () => {
    const before = reads
    read()
    return () => (reads > before ? known : undefined)
  }
  return {
    watch: { until, since, current: () => known, failure: () => undefined, carriedOut: record, progressed },
    learn: (latest) => {
      known = latest
      reads += 1
      changed()
    },
  }
}
