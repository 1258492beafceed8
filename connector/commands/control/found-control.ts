import { controlParts } from '../../compose/compose-control.ts'
import type { SharedResources } from '../../compose/shared-resources.ts'
import { type ControlDocument, noRequests, readControl } from '../../control/control-document.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'

/** The requests of operators; none if the control object is unreadable. */
export interface FoundControl {
  readonly document: ControlDocument
  readonly unreadable?: ErrorCode
}

/** An unreadable control object is a value; an unavailable store rejects with `storage.*`. */
export async function findControl(shared: SharedResources, stop: AbortSignal): Promise<FoundControl> {
  try {
    return { document: await readControl(controlParts(shared).object, stop) }
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'control.damaged' && code !== 'control.unknown-format') throw error
    return { document: noRequests, unreadable: code }
  }
}
