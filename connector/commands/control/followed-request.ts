import { type ControlDocument, type ControlRequest, readControl } from '../../control/control-document.ts'
import { isOpen, pauseOf } from '../../control/requests.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { VersionedObject } from '../../storage/versioned-object.ts'
import type { CommandParts } from '../command.ts'
import type { ReportProgress } from '../output/shown-progress.ts'
import { countsText, type DoneProgress } from './request-output.ts'

/** How long a command waits for a replica to carry out a request, or to begin with a republish. */
const WITHIN_MS = 20_000
const RECHECK_MS = 500

interface FollowParts extends Pick<CommandParts, 'stop'> {
  /** The control object. */
  readonly object: VersionedObject
  readonly clock: Clock
  /** For a republish. */
  readonly report?: ReportProgress
}

/** How a request is seen at last. `waiting`: no replica has done so in time; `gone`: not in the control object. */
export type Followed =
  | { readonly kind: 'done'; readonly progress: DoneProgress }
  | { readonly kind: 'waiting'; readonly isPaused: boolean }
  | { readonly kind: 'gone' | 'interrupted' }

/**
 * Waits until a request ends. A republish may take long, and reports its progress. Rejects as reading the control object
 * does.
 */
export async function followRequest(
  id: string,
  { object, clock, report = () => {}, stop }: FollowParts,
): Promise<Followed> {
  let giveUpAt = clock.monotonic() + WITHIN_MS
  while (!stop.aborted) {
    const document = await readControl(object, stop).catch((error) => {
      if (!stop.aborted) throw error
    })
    if (document === undefined) break
    const request = document.requests.find((one) => one.id === id)
    if (request === undefined) return { kind: 'gone' }
    const { progress } = request
    if (progress.kind === 'done') return { kind: 'done', progress }
    const running = progress.kind === 'requested' ? runningBefore(document, request) : undefined
    if (progress.kind === 'running') report(progress.share, countsText(progress))
    else if (running !== undefined) report(null, `waits for the end of request ${running.id}`)
    const isMoving = progress.kind !== 'requested' || running !== undefined
    if (request.kind === 'republish' && isMoving) giveUpAt = clock.monotonic() + WITHIN_MS
    else if (clock.monotonic() >= giveUpAt)
      return { kind: 'waiting', isPaused: pauseOf(document, request.stream) !== undefined }
    await clock.sleep(RECHECK_MS, stop).catch(() => {})
  }
  return { kind: 'interrupted' }
}

/** Only one request to publish again is carried out for a stream at a time. */
function runningBefore({ requests }: ControlDocument, { id, stream }: ControlRequest): ControlRequest | undefined {
  return requests.find(
    (one) => one.kind === 'republish' && one.stream === stream && one.id !== id && isRunning(one) && isOpen(one),
  )
}

const isRunning = ({ progress }: ControlRequest) => progress.kind === 'running'
