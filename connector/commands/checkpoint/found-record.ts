import { validState } from '../../checkpoint/valid-state.ts'
import { foundRecord } from '../../compose/compose-placement.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { CommandParts } from '../command.ts'
import type { ChosenStream } from '../command-resources.ts'
import { elapsedText, showingProgress } from '../output/shown-progress.ts'

/** Whether Kafka has the commit record of a stream without a checkpoint: then the checkpoint is lost. */
export type FoundRecord =
  | { readonly kind: 'none' }
  /** The error that a replica would report. */
  | { readonly kind: 'found'; readonly code: ErrorCode; readonly why: string }
  /** Kafka did not answer. */
  | { readonly kind: 'unknown'; readonly code: ErrorCode }

/** The command works without Kafka too. */
const WITHIN_MS = 7_000

/** Reads only. Rejects with the reason of `stop`. */
export async function findRecord(
  { stream, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
  output: Pick<CommandParts, 'showProgress' | 'printError'>,
  stop: AbortSignal,
): Promise<FoundRecord> {
  const { clock } = shared
  const brokers = stream.kafka.brokers.join(', ')
  const text = (elapsedMs: number) => `looking for a commit record in Kafka at ${brokers} ${elapsedText(elapsedMs)}`
  using limit = clock.deadline(WITHIN_MS, stop)
  try {
    const reading = foundRecord(stream, shared, limit.signal)
    const found = await showingProgress(reading, { output, text, clock })
    const resolution = validState(undefined, { found, mayBegin: true, now: clock.now() })
    return resolution.kind === 'hold' ? { ...resolution, kind: 'found' } : { kind: 'none' }
  } catch (error) {
    stop.throwIfAborted()
    if (error instanceof ConnectorError) return { kind: 'unknown', code: error.code }
    if (limit.signal.aborted) return { kind: 'unknown', code: 'publish.unreachable' }
    throw error
  }
}
