import type { Observe } from '../pipeline/pipeline-event.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import type { Holding, Tries } from './tries.ts'

export interface HoldParts extends Holding {
  /** Resolves if a read-only check shows that the cause `code` is resolved; rejects with the remaining cause. */
  readonly check: (code: ErrorCode, stop: AbortSignal) => Promise<void>
  readonly tries: Pick<Tries, 'checkPauseMs'>
  readonly observe: Observe
}

/** Holds a stream, which cannot continue until something outside changes, until a check passes or `stop` aborts. */
export async function stayHeld(parts: HoldParts, cause: unknown, stop: AbortSignal): Promise<void> {
  using _held = parts.requests.hold()
  const reported = new Set<ErrorCode>()
  for (let [current, latest] = [cause, cause]; ; ) {
    const code = codeOf(current)
    const pauseMs = parts.tries.checkPauseMs(parts, current)
    parts.observe({ kind: reported.has(code) ? 'stream-still-held' : 'stream-held', code, error: latest, pauseMs })
    reported.add(code)
    const checked = await checkAfter(parts, { pauseMs, code }, stop)
    if (checked.kind !== 'failed') return
    latest = checked.error
    if (isCause(latest)) current = latest
  }
}

type Checked = { readonly kind: 'passed' | 'stopped' } | { readonly kind: 'failed'; readonly error: unknown }

async function checkAfter(
  { requests, check }: HoldParts,
  { pauseMs, code }: { readonly pauseMs: number; readonly code: ErrorCode },
  stop: AbortSignal,
): Promise<Checked> {
  try {
    await requests.pause(pauseMs, stop)
    const ended = requests.begin()
    const checked = await check(code, stop).then(
      (): Checked => ({ kind: 'passed' }),
      (error: unknown): Checked => ({ kind: 'failed', error }),
    )
    stop.throwIfAborted()
    ended()
    return checked
  } catch {
    return { kind: 'stopped' }
  }
}

/** A transient failure of the check says nothing about the cause of the hold. */
function isCause(error: unknown): boolean {
  const { then } = errorCatalogue[codeOf(error)]
  return then !== 'retry' && then !== 'lost'
}
