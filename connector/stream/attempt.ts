import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import type { OpenStream } from '../pipeline/delivery.ts'
import { type PipelineParts, runPipeline } from '../pipeline/pipeline.ts'
import { codeOf, isTransient } from '../runtime/connector-error.ts'
import type { OpenParts } from './open/open-parts.ts'
import { openStream } from './open/open-stream.ts'
import type { StreamEvent } from './stream-machine.ts'

/** How an attempt to run a stream ended. `left`: `leave` has aborted. */
export type AttemptEnd =
  | { readonly kind: 'left' | 'caught-up' }
  /** `madeProgress`: the checkpoint moved since the previous attempt, in this one or because it found a commit. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly madeProgress: boolean }

/** Opens the stream and copies pages until `leave` aborts. Reports each step. Never rejects. */
export type Attempt = (step: (event: StreamEvent) => void, leave: AbortSignal) => Promise<AttemptEnd>

export interface AttemptParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
}

/** The attempts to run one stream on the same adapters. If `compose` throws, the attempt fails. */
export function attempts(compose: () => AttemptParts): Attempt {
  const hasAdvanced = progressCheck()
  let epoch: number | undefined
  return async (step, leave) => {
    let madeProgress = () => false
    let gaveUp = (_: unknown) => false
    try {
      leave.throwIfAborted()
      const { open, pipeline } = compose()
      gaveUp = (error) => error === pipeline.giveUp.reason
      await untilGroupAnswers(open, step, leave)
      const stream = await openWhenGroupAnswers(open, { step, epoch }, leave)
      step('opened')
      ;({ epoch } = stream.checkpoint)
      const advancedAtOpening = hasAdvanced(stream.checkpoint)
      madeProgress = () => hasAdvanced(stream.checkpoint) || advancedAtOpening
      try {
        const end = await runPipeline(pipeline, stream, leave)
        return { kind: end === 'stopped' ? 'left' : end }
      } finally {
        await Promise.all([stream.producer.close(), stream.checkpoint.close()])
      }
    } catch (error) {
      // `giveUp` aborts only after `leave`: the successor delivers the unfinished page group.
      if (leave.aborted && (error === leave.reason || gaveUp(error))) return { kind: 'left' }
      // After a hold, an operator may have rewritten the checkpoint.
      if (!isTransient(error)) epoch = undefined
      return { kind: 'failed', error, madeProgress: madeProgress() }
    }
  }
}

/** Reports whether the checkpoint has moved since the last call; false at the first call. */
function progressCheck(): (checkpoint: StreamCheckpoint) => boolean {
  let before: string | undefined
  return (checkpoint) => {
    const current = JSON.stringify([checkpoint.seq(), checkpoint.state().scans])
    const hasAdvanced = before !== undefined && current !== before
    before = current
    return hasAdvanced
  }
}

/** A group that falls silent while the stream waits for its turn to open, or opens, is no failure of the stream. */
async function openWhenGroupAnswers(
  open: OpenParts,
  { step, epoch }: { step: (event: StreamEvent) => void; epoch: number | undefined },
  leave: AbortSignal,
): Promise<OpenStream> {
  for (;;) {
    try {
      return await openStream(open, leave, epoch)
    } catch (error) {
      if (codeOf(error) !== 'placement.group-unreachable') throw error
      await untilGroupAnswers(open, step, leave)
    }
  }
}

const RECHECK_MS = 1_000

/** Waits until the consumer group answers; opening the stream before could fence the replica that owns it by then. */
export async function untilGroupAnswers(
  { assignment, clock, observe }: Pick<OpenParts, 'assignment' | 'clock' | 'observe'>,
  step: (event: StreamEvent) => void,
  leave: AbortSignal,
): Promise<void> {
  if (assignment() !== 'unknown') return
  step('group-silent')
  observe({ kind: 'group-unreachable', code: 'placement.group-unreachable' })
  while (assignment() === 'unknown') await clock.sleep(RECHECK_MS, leave)
  step('group-answers')
}
