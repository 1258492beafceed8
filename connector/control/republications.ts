import type { ControlDocument, ControlRequest } from './control-document.ts'
import { isCancellable, isOpen, type Requester, withoutClient } from './requests.ts'
import type { RepublishProgress, Waiting } from './stream-requests.ts'

/** Transitions of the control document for requests in progress. All are pure. */

/** What a replica reports while it carries out requests, by their ids; undefined if nothing has changed. */
export function withProgress(
  document: ControlDocument,
  running: ReadonlyMap<string, RepublishProgress | Waiting>,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    const reported = running.get(request.id)
    if (reported === undefined || !isOpen(request) || isKnown(request, reported)) return request
    const { id: _, ...made } = reported
    return {
      ...request,
      progress: 'code' in made ? { kind: 'waiting', by, at, ...made } : { kind: 'running', by, at, ...made },
    }
  })
}

function isKnown({ progress }: ControlRequest, reported: RepublishProgress | Waiting): boolean {
  if ('code' in reported) return progress.kind === 'waiting' && progress.code === reported.code
  if (progress.kind !== 'running') return false
  const { published, changed, clients } = reported
  return progress.clients === clients && progress.published === published && progress.changed === changed
}

/**
 * Cancels a request to erase a client or to publish again; undefined if it has ended already. The replica that runs the
 * stream confirms that, or reports that a tombstone is published already.
 */
export function cancelled(
  document: ControlDocument,
  id: string,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    if (request.id !== id || !isCancellable(request.kind) || !isOpen(request)) return request
    return { ...withoutClient(request), progress: { kind: 'cancelled', by, at } }
  })
}

function changed(
  document: ControlDocument,
  change: (request: ControlRequest) => ControlRequest,
): ControlDocument | undefined {
  const requests = document.requests.map(change)
  return requests.some((request, index) => request !== document.requests[index]) ? { ...document, requests } : undefined
}
