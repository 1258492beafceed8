import type { ControlDocument, ControlRequest, PauseRequest } from './control-document.ts'

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
  | { readonly kind: 'resume'; readonly stream: string }

/** The pause in force for a stream, whether or not a replica has carried it out; undefined: the stream is to run. */
export function pauseOf(document: ControlDocument, stream: string): PauseRequest | undefined {
  const last = lastOf(document, stream)
  return last?.kind === 'pause' ? last : undefined
}

/** The last request to pause or resume a stream: it decides. */
export function lastOf({ requests }: ControlDocument, stream: string): ControlRequest | undefined {
  return requests.findLast((request) => request.stream === stream)
}

/** Adds a request; undefined if the stream is already as requested, or about to be. */
export function requested(
  document: ControlDocument,
  wanted: NewRequest,
  { id, by, at }: Requester,
): ControlDocument | undefined {
  const isPaused = pauseOf(document, wanted.stream) !== undefined
  if (isPaused === (wanted.kind === 'pause')) return undefined
  const added = { ...wanted, id, requestedAt: at, requestedBy: by, progress: { kind: 'requested' as const } }
  return { ...document, requests: pruned([...document.requests, added]) }
}

/** Records that a replica carried out requests, by id and time; undefined if all are recorded already, or gone. */
export function carriedOut(
  document: ControlDocument,
  times: ReadonlyMap<string, number>,
  by: string,
): ControlDocument | undefined {
  const requests = document.requests.map((request): ControlRequest => {
    const at = times.get(request.id)
    const isNew = at !== undefined && request.progress.kind === 'requested'
    return isNew ? { ...request, progress: { kind: 'done', by, at } } : request
  })
  const hasChanged = requests.some((request, index) => request !== document.requests[index])
  return hasChanged ? { ...document, requests } : undefined
}

/** How many requests stay as a record when newer ones of their stream have replaced them. */
const KEPT = 50

/** Without the oldest requests that newer ones of their stream have replaced. */
function pruned(requests: readonly ControlRequest[]): readonly ControlRequest[] {
  const last = new Map(requests.map((request) => [request.stream, request]))
  const replaced = requests.filter((request) => last.get(request.stream) !== request)
  const dropped = new Set(replaced.slice(0, -KEPT))
  return requests.filter((request) => !dropped.has(request))
}
