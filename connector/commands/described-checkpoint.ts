import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../checkpoint/stream-state.ts'

/** A checkpoint document as an operator reads it: the window as counts of its pages, moments as text. */
export function describedDocument({
  connector,
  stream,
  source,
  destination,
  claim,
  committed,
  pending,
}: CheckpointDocument) {
  const { state, ...decided } = committed
  return {
    connector,
    stream,
    source,
    destination,
    claim: { ...claim, at: new Date(claim.at).toISOString() },
    committed: { ...decided, at: new Date(decided.at).toISOString(), ...describedState(state) },
    pending:
      pending === null
        ? null
        : { epoch: pending.epoch, seq: pending.seq, resume: pending.change.resume, events: pending.change.events },
  }
}

/** Where a stream stands. */
export function describedState({ resume, events, mapping, window }: StreamState) {
  return { resume, events, mapping, window: { frozenPages: window.frozen.length, seenPages: window.seen.length } }
}
