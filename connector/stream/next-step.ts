import type { StreamFailure, StreamState } from '../pipeline/pipeline-event.ts'
import { assertNever } from '../runtime/compiler-checks.ts'

/**
 * The states of a stream on one replica. `runStream` enters them; `nextStep` says what follows each try
 * (docs/decisions/20261202-when-a-failure-is-over.md).
 *
 *   waiting ──assigned here──▶ opening ──opened──▶ running ──caught up──▶ ended
 *      ▲                        ▲    ▲              │ │  ▲
 *      │                        │    └─rewind waits─┘ │  │ the failure is over: see `StreamTries`
 *   (any) ◀─assigned elsewhere  │                     ▼  │
 *                               │            retrying, held ◀──failure── (opening)
 *                            resumed                  │
 *                               │                     │ an operator pauses the stream
 *                             paused ◀────────────────┴── (any)
 *
 * A stream that fails stays `retrying` or `held` while it tries again. A signal to the process ends it in every state.
 */

/** Says how a try ended. A try opens the stream, unless it is open, and copies its pages. */
export type TryOutcome =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'failed'; readonly failure: StreamFailure }

/** Says how a run of a stream ended: as `paused` or `held` only where it ends instead of waiting. */
export type StreamEnd =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'held'; readonly error: unknown }

export interface Situation {
  /** Whether an operator wants the stream to be paused. */
  readonly isPaused: boolean
  /** Whether the stream is to end here. */
  readonly isLeaving: boolean
  readonly whenHeld: 'waits' | 'ends'
}

/** The stream enters `state` now; null means that it keeps its state. */
export type NextStep =
  | { readonly kind: 'end'; readonly state: StreamState | null; readonly end: StreamEnd }
  | { readonly kind: 'try-again'; readonly state: StreamState | null; readonly after: WaitFor }

/**
 * A stream waits for this before the next try: for a newer assignment, or until another process has changed the wishes,
 * or one of document and wishes (`change`). It waits at most for the pause of the failure, and for a minute if nothing
 * has failed.
 */
export type WaitFor = 'nothing' | 'assignment' | 'wishes' | 'change'

const tryAgain = (state: StreamState | null, after: WaitFor): NextStep => ({ kind: 'try-again', state, after })

/** Decides what follows a try. Pure. */
export function nextStep(outcome: TryOutcome, { isPaused, isLeaving, whenHeld }: Situation): NextStep {
  switch (outcome.kind) {
    case 'caught-up':
      return { kind: 'end', state: null, end: outcome }
    case 'stopped':
      return tryAgain(isPaused || isLeaving ? null : 'opening', 'nothing')
    case 'paused':
      return whenHeld === 'ends' ? { kind: 'end', state: 'paused', end: outcome } : tryAgain('paused', 'wishes')
    case 'failed': {
      const { kind, error } = outcome.failure
      if (kind === 'hold' && whenHeld === 'ends') return { kind: 'end', state: 'ended', end: { kind: 'held', error } }
      if (isPaused && kind !== 'fenced') return tryAgain('paused', 'change')
      return kind === 'hold' ? tryAgain('held', 'change') : tryAgain('retrying', 'assignment')
    }
    default:
      return assertNever(outcome)
  }
}
