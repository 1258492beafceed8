import type { CheckRequests } from '../control/check-requests.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'

export interface Holding {
  /** Resolves if a read-only check shows that the cause `code` is resolved; rejects with the remaining cause. */
  readonly check: (code: ErrorCode, stop: AbortSignal) => Promise<void>
  /** Requests of operators to check at once. */
  readonly requests: Pick<CheckRequests, 'hold' | 'pause' | 'begin'>
  /** The pause before the first check; doubles with each check. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

/** Holds a stream that cannot continue until something outside changes. */
interface StreamHold {
  /** Waits until a check passes or `stop` aborts. Never rejects. */
  untilPassed(cause: unknown, stop: AbortSignal): Promise<void>
  /** After progress, the next hold starts with the first pause again. */
  progressed(): void
}

export function streamHold({ holding, observe }: { holding: Holding; observe: Observe }): StreamHold {
  let doublings = 0
  const nextPauseMs = (error: unknown) => {
    const { firstPauseMs, maxPauseMs } = holding
    const requested = error instanceof ConnectorError ? error.retryAfterMs : undefined
    if (requested !== undefined) return Math.min(maxPauseMs, Math.max(firstPauseMs, requested))
    doublings += 1
    return Math.min(maxPauseMs, firstPauseMs * 2 ** (doublings - 1))
  }
  const checkAfter = async (pauseMs: number, code: ErrorCode, stop: AbortSignal): Promise<Checked> => {
    try {
      await holding.requests.pause(pauseMs, stop)
      const ended = holding.requests.begin()
      const checked = await holding.check(code, stop).then(
        () => passed,
        (error: unknown) => failed(error),
      )
      stop.throwIfAborted()
      ended()
      return checked
    } catch {
      return { kind: 'stopped' }
    }
  }
  return {
    progressed: () => {
      doublings = 0
    },
    untilPassed: async (cause, stop) => {
      using _held = holding.requests.hold()
      const reported = new Set<ErrorCode>()
      for (let [current, latest] = [cause, cause]; ; ) {
        const code = codeOf(current)
        const pauseMs = nextPauseMs(current)
        observe({ kind: reported.has(code) ? 'stream-still-held' : 'stream-held', code, error: latest, pauseMs })
        reported.add(code)
        const checked = await checkAfter(pauseMs, code, stop)
        if (checked.kind === 'passed') observe({ kind: 'stream-resuming', code })
        if (checked.kind !== 'failed') return
        latest = checked.error
        if (isCause(latest)) current = latest
      }
    },
  }
}

type Checked =
  | { readonly kind: 'passed' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: unknown }

const passed: Checked = { kind: 'passed' }
const failed = (error: unknown): Checked => ({ kind: 'failed', error })

/** A transient failure of the check says nothing about the cause of the hold. */
function isCause(error: unknown): boolean {
  const { then } = errorCatalogue[codeOf(error)]
  return then !== 'retry' && then !== 'lost'
}
