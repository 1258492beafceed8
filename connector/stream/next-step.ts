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

/** How a try ended: the stream was opened, unless it was open, and its pages were copied. */
export type TryOutcome =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'failed'; readonly failure: Pick<StreamFailure, 'kind'> }

export interface Situation {
  /** An operator wants the stream to be paused. */
  readonly isPaused: boolean
  /** The stream is to end here. */
  readonly isLeaving: boolean
  readonly whenHeld: 'waits' | 'ends'
}

/** `state`: entered now; null: the stream keeps its state. */
export type NextStep =
  | { readonly kind: 'end'; readonly as: 'caught-up' | 'paused'; readonly state: 'paused' | null }
  | { readonly kind: 'end'; readonly as: 'held'; readonly state: 'ended' }
  | { readonly kind: 'try-again'; readonly state: StreamState | null; readonly after: WaitFor }

/**
 * What a stream waits for before the next try: a newer assignment, or that another process has changed the wishes, or one
 * of document and wishes (`change`). It waits at most the pause of the failure, a minute without one.
 */
export type WaitFor = 'nothing' | 'assignment' | 'wishes' | 'change'

const tryAgain = (state: StreamState | null, after: WaitFor): NextStep => ({ kind: 'try-again', state, after })

/** What follows a try. Pure. */
export function nextStep(outcome: TryOutcome, { isPaused, isLeaving, whenHeld }: Situation): NextStep {
  switch (outcome.kind) {
    case 'caught-up':
      return { kind: 'end', as: 'caught-up', state: null }
    case 'stopped':
      return tryAgain(isPaused || isLeaving ? null : 'opening', 'nothing')
    case 'paused':
      return whenHeld === 'ends' ? { kind: 'end', as: 'paused', state: 'paused' } : tryAgain('paused', 'wishes')
    case 'failed': {
      const { kind } = outcome.failure
      if (kind === 'hold' && whenHeld === 'ends') return { kind: 'end', as: 'held', state: 'ended' }
      if (isPaused && kind !== 'fenced') return tryAgain('paused', 'change')
      return kind === 'hold' ? tryAgain('held', 'change') : tryAgain('retrying', 'assignment')
    }
    default:
      return assertNever(outcome)
  }
}
