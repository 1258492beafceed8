import { checkRequests } from '../../../connector/control/check-requests.ts'
import { type ControlDocument, noRequests } from '../../../connector/control/control-document.ts'
import { requested } from '../../../connector/control/requests.ts'
import { createChanges } from '../../../connector/runtime/changes.ts'
import type { Clock } from '../../../connector/runtime/clock.ts'

/** Operators who request checks of the stream `clients`. */
export function requestedChecks(clock: Clock) {
  const { changed, until } = createChanges()
  const answered: string[] = []
  let document: ControlDocument = noRequests
  const control = {
    current: () => document,
    until,
    carriedOut: ({ id }: { id: string }) => void answered.push(id),
    isCarriedOut: (id: string) => answered.includes(id),
  }
  return {
    requests: checkRequests(control, 'clients', clock),
    /** By their ids. */
    answered,
    request: (id: string) => {
      document = requested(document, { kind: 'check', stream: 'clients' }, { id, by: 'operator', at: 0 }) ?? document
      changed()
    },
  }
}
