import { ConnectorError } from '../runtime/connector-error.ts'
import type { ControlDocument, ControlRequest, PauseRequest } from './control-document.ts'
import { type ControlParts, readControl, updateControl } from './control-document.ts'
import { isOpen, isSwitch, KEPT, lastOf, pauseOf } from './requests.ts'
import type { SeenControl } from './stream-requests.ts'

/** What is known apart from the stored control object. */
export interface KnownControl {
  /** As this replica read or wrote it last. */
  readonly document: ControlDocument | undefined
  /** What checkpoints keep of it, by stream. */
  readonly checkpoints: ReadonlyMap<string, SeenControl>
}

interface LatestParts extends ControlParts {
  readonly checkpoints: (stop: AbortSignal) => Promise<KnownControl['checkpoints']>
}

/**
 * Reads the control object, and writes it only if `change` changes it or if it was deleted or rolled back. Resolves with
 * the stored document, and with an error in the second case. Rejects as reading and writing do.
 */
export async function latestControl(
  parts: LatestParts,
  { document, change }: { document: ControlDocument | undefined; change: Change },
  stop: AbortSignal,
): Promise<{ readonly document: ControlDocument; readonly lost: ConnectorError | undefined }> {
  const stored = await readControl(parts.object, stop)
  // What another replica read last is in a checkpoint of its streams.
  const isDoubtful = document === undefined || isOlder(stored, document)
  const known = { document, checkpoints: isDoubtful ? await parts.checkpoints(stop) : new Map() }
  let isLost = false
  const update = (now: ControlDocument) => {
    const found = restored(now, known)
    isLost = found !== undefined
    return change(found ?? now) ?? found
  }
  const latest = update(stored) === undefined ? stored : await updateControl(parts, update, stop)
  return { document: latest, lost: isLost ? lostError(latest) : undefined }
}

type Change = (stored: ControlDocument) => ControlDocument | undefined

function lostError({ requests }: ControlDocument): ConnectorError {
  const back = `requests written back: ${requests.length}`
  return new ConnectorError('control.lost', `read control object: it was deleted or rolled back (${back})`)
}

/** What a checkpoint keeps of the document. */
export function seenControl(document: ControlDocument, stream: string): SeenControl {
  const { id, reason, requestedAt, requestedBy } = pauseOf(document, stream) ?? {}
  const isPaused = id !== undefined && reason !== undefined && requestedAt !== undefined && requestedBy !== undefined
  return { revision: document.revision, pause: isPaused ? { id, reason, requestedAt, requestedBy } : null }
}

/**
 * What to write in place of a control object that was deleted or rolled back; undefined if it was not. Of the newest
 * document that is known, each pause and resume and the open requests are written back, beside requests that were made
 * since. Where only a checkpoint knows a pause, it is in force: a pause in doubt stays. Streams do not repeat what their
 * checkpoints show as carried out. Replicas that know different documents arrive at the same one. Pure.
 */
export function restored(
  stored: ControlDocument,
  { document, checkpoints }: KnownControl,
): ControlDocument | undefined {
  const seen = [...checkpoints].map(([stream, one]) => ({ stream, ...one }))
  const revision = Math.max(document?.revision ?? 0, ...seen.map((one) => one.revision))
  const known = document !== undefined && isOlder(stored, document) ? document : undefined
  if (stored.revision >= revision && known === undefined) return undefined
  const requests = known === undefined ? stored.requests : merged(stored, known)
  const others = [
    ...(known?.others ?? []),
    ...stored.others.filter((one) => !known?.others.some(({ id }) => id === one.id)),
  ]
  const raised = Math.max(revision, stored.revision)
  const found = { ...(known ?? stored), revision: raised, requests, others }
  const newer = seen.filter((one) => one.revision > (known ?? stored).revision)
  const pauses = newer.flatMap(({ stream, pause }): PauseRequest[] =>
    // What the document shows of this pause is newer.
    pause === null || pauseOf(found, stream) !== undefined || requests.some(({ id }) => id === pause.id)
      ? []
      : [{ kind: 'pause', stream, ...pause, progress: { kind: 'requested' } }],
  )
  return { ...found, requests: [...requests, ...pauses] }
}

/**
 * Each request as whichever document shows it at the later stage, the stored one if both show the same. In the order of
 * the stored document: what only the known one has follows what it follows there. Replaced pauses stay, since they tell
 * another replica what came first.
 */
function merged(stored: ControlDocument, known: ControlDocument): readonly ControlRequest[] {
  const inKnown = new Map(known.requests.map((request) => [request.id, request]))
  const all = stored.requests.map((now) => {
    const request = inKnown.get(now.id)
    return request !== undefined && stageOf(now) < stageOf(request) ? request : now
  })
  let end = 0
  for (const request of known.requests) {
    const at = all.findIndex(({ id }) => id === request.id)
    if (at >= 0) end = Math.max(end, at + 1)
    else if (isSwitch(request) || isInForce(known, request)) all.splice(end++, 0, request)
  }
  return all
}

/**
 * Whether the stored document goes back behind the known one. After a rollback, writes of others may have raised it to
 * the known revision; what it lacks, or shows at an earlier stage, cannot have been pruned within so few writes.
 */
function isOlder(stored: ControlDocument, known: ControlDocument): boolean {
  if (stored.revision < known.revision) return true
  if (stored.revision - known.revision >= KEPT) return false
  return known.requests.some((request) => {
    const now = stored.requests.find(({ id }) => id === request.id)
    if (now === undefined) return !isCheck(request) && isInForce(known, request)
    return stageOf(now) < stageOf(request)
  })
}

/** A request that is open may be cancelled, and in both cases be carried out. */
const stageOf = ({ progress }: ControlRequest) => ['cancelled', 'done'].indexOf(progress.kind)

/** A newer one replaces it. */
const isCheck = ({ kind }: ControlRequest) => kind === 'check'

function isInForce(document: ControlDocument, request: ControlRequest): boolean {
  if (isSwitch(request)) return lastOf(document, request.stream)?.id === request.id
  return isOpen(request) || request.progress.kind === 'cancelled'
}
