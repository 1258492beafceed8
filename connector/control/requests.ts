import type { ControlDocument, ControlRequest, PauseRequest } from './control-document.ts'
import type { CarriedOut, Republication, RepublishProgress } from './stream-requests.ts'

/** Transitions of the control document. Each function returns what to write next. All are pure. */

/** Who requests something, and when (ms since 1970). */
export interface Requester {
  /** Of the new request. */
  readonly id: string
  readonly by: string
  readonly at: number
}

/** What an operator may request. */
export type NewRequest =
  | { readonly kind: 'pause'; readonly stream: string; readonly reason: string }
  | { readonly kind: 'resume' | 'check'; readonly stream: string }
  | (Pick<Republication, 'kind' | 'from' | 'wanted'> & { readonly stream: string })

/** The pause in force for a stream, whether or not a replica has carried it out; undefined: the stream is to run. */
export function pauseOf(document: ControlDocument, stream: string): PauseRequest | undefined {
  const last = lastOf(document, stream)
  return last?.kind === 'pause' ? last : undefined
}

/** The last request to pause or resume a stream: it decides. */
export function lastOf({ requests }: ControlDocument, stream: string): ControlRequest | undefined {
  return requests.findLast((request) => request.stream === stream && isSwitch(request))
}

/** Whether only the last request of this kind for a stream counts. */
export const isSwitch = ({ kind }: Pick<ControlRequest, 'kind'>) => kind === 'pause' || kind === 'resume'

/** What the running stream is still to do, oldest first. */
export function openRequests({ requests }: ControlDocument, stream: string): readonly Republication[] {
  return requests.flatMap((request): Republication[] =>
    request.kind === 'republish' && request.stream === stream && isOpen(request) ? [request] : [],
  )
}

export const isOpen = ({ progress }: Pick<ControlRequest, 'progress'>) =>
  progress.kind !== 'cancelled' && progress.kind !== 'done'

export const isCancellable = (kind: ControlRequest['kind']) => kind === 'republish'

/** The requests to check the stream that are not answered yet, by their ids. */
export function openChecks(document: ControlDocument | undefined, stream: string): readonly string[] {
  const requests = document?.requests ?? []
  return requests.filter((one) => one.kind === 'check' && one.stream === stream && isOpen(one)).map(({ id }) => id)
}

/** Adds a request; undefined if the stream is already as requested, or about to be. */
export function requested(
  document: ControlDocument,
  wanted: NewRequest,
  { id, by, at }: Requester,
): ControlDocument | undefined {
  const isPaused = pauseOf(document, wanted.stream) !== undefined
  if (isSwitch(wanted) && isPaused === (wanted.kind === 'pause')) return undefined
  // One check answers all requests.
  const isReplaced = (one: ControlRequest) =>
    wanted.kind === 'check' && one.kind === 'check' && one.stream === wanted.stream && isOpen(one)
  const requests = document.requests.filter((one) => !isReplaced(one))
  const added = { ...wanted, id, requestedAt: at, requestedBy: by, progress: { kind: 'requested' as const } }
  return { ...document, requests: pruned([...requests, added]) }
}

/** When a replica has carried out a request (ms since 1970), and how it ended. */
export interface Ending extends Omit<CarriedOut, 'id'> {
  readonly at: number
}

/** Records that a replica carried out requests, by their ids; undefined if all are recorded already, or gone. */
export function recorded(
  document: ControlDocument,
  endings: ReadonlyMap<string, Ending>,
  by: string,
): ControlDocument | undefined {
  return changed(document, (request) => {
    const ending = endings.get(request.id)
    const isNew = ending !== undefined && request.progress.kind !== 'done'
    return isNew ? { ...request, progress: { kind: 'done', by, ...ending } } : request
  })
}

/** How many requests stay as a record that nothing depends on any more. */
export const KEPT = 50

/** Without the oldest requests that are done, or that newer ones of their stream have replaced. */
function pruned(requests: readonly ControlRequest[]): readonly ControlRequest[] {
  const last = new Map(requests.filter(isSwitch).map((request) => [request.stream, request]))
  const isPast = (request: ControlRequest) =>
    isSwitch(request) ? last.get(request.stream) !== request : ['done', 'cancelled'].includes(request.progress.kind)
  const dropped = new Set(requests.filter(isPast).slice(0, -KEPT))
  return requests.filter((request) => !dropped.has(request))
}

/** What a replica reports while it carries out requests, by their ids; undefined if nothing has changed. */
export function withProgress(
  document: ControlDocument,
  running: ReadonlyMap<string, RepublishProgress>,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    const reported = running.get(request.id)
    if (reported === undefined || !isOpen(request) || isKnown(request, reported)) return request
    const { id: _, ...made } = reported
    return { ...request, progress: { kind: 'running', by, at, ...made } }
  })
}

function isKnown({ progress }: ControlRequest, reported: RepublishProgress): boolean {
  if (progress.kind !== 'running') return false
  const { published, changed, clients } = reported
  return progress.clients === clients && progress.published === published && progress.changed === changed
}

/** Cancels a request to publish again; undefined if it has ended already. */
export function cancelled(
  document: ControlDocument,
  id: string,
  { by, at }: Pick<Requester, 'by' | 'at'>,
): ControlDocument | undefined {
  return changed(document, (request) => {
    if (request.id !== id || !isCancellable(request.kind) || !isOpen(request)) return request
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
