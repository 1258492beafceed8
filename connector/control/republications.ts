import type { ControlDocument, ControlRequest } from './control-document.ts'
import { isOpen, type Requester } from './requests.ts'
import type { RepublishProgress } from './stream-requests.ts'

/** Transitions of the control document for requests to publish again. All are pure. */

/** What a replica reports while it carries out requests, by their ids; undefined if nothing has changed. */
export function withProgress(
  document: ControlDocument,
  running: ReadonlyMap<string, RepublishProgress>,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    const reported = running.get(request.id)
    if (reported === undefined || request.kind !== 'republish' || !isOpen(request)) return request
    const { published, clients, share } = reported
    const { progress } = request
    const isKnown = progress.kind === 'running' && progress.clients === clients && progress.published === published
    return isKnown ? request : { ...request, progress: { kind: 'running', by, at, published, clients, share } }
  })
}

/**
 * Cancels a request to publish again; undefined if it has ended already. The replica that runs the stream confirms that,
 * with the number of events that were published by then.
 */
export function cancelled(
  document: ControlDocument,
  id: string,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    if (request.id !== id || request.kind !== 'republish' || !isOpen(request)) return request
    return { ...request, progress: { kind: 'cancelled', by, at } }
  })
}

function changed(
  document: ControlDocument,
  change: (request: ControlRequest) => ControlRequest,
): ControlDocument | undefined {
  const requests = document.requests.map(change)
  return requests.some((request, index) => request !== document.requests[index]) ? { ...document, requests } : undefined
}
