import { randomUUID } from 'node:crypto'
import { type CheckpointDocument, committedPartByRecord, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { mismatch, nextEventOf, type ValidState, validState } from '../../checkpoint/valid-state.ts'
import { topicLostError } from '../../kafka/admin/topics.ts'
import type { KafkaState } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { serverTimeText } from '../../source/source-time.ts'
import { checkpointKey } from '../../storage/checkpoint-store-config.ts'
import type { StreamKafkaChecks } from './check-kafka.ts'
import {
  type CheckResult,
  type DoctorParts,
  failedResult,
  okResult,
  resultOf,
  type StreamUnderTest,
  warningResult,
} from './doctor-parts.ts'

/** Checks by writing whether checkpoints and segments can be stored. Never rejects. */
export function checkStore({ config, store }: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  return resultOf({ finish, timeoutCode: 'storage.unavailable' }, async () => {
    await store.probe(finish)
    // No stream has this name.
    const segments = store.segments(checkpointKey(config.connector, '.doctor'))
    const name = randomUUID()
    await segments.put(name, Buffer.from('written by doctor; may be deleted'), finish)
    const isListingRefused = await isRefused(segments.list(finish))
    const isDeletionRefused = await isRefused(segments.remove(name, finish))
    if (!isListingRefused && !isDeletionRefused)
      return okResult('supports conditional writes; a trial segment was written, listed and deleted')
    const refused = [...(isListingRefused ? ['list'] : []), ...(isDeletionRefused ? ['delete'] : [])]
    return warningResult(
      `supports conditional writes, but does not allow to ${refused.join(' and ')} segments`,
      'allow s3:ListBucket and s3:DeleteObject; without them, unused segments remain in the store',
    )
  })
}

async function isRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (codeOf(error) === 'storage.refused') return true
    throw error
  }
}

export interface CheckpointCheck {
  readonly stream: StreamUnderTest
  readonly kafka: StreamKafkaChecks
  /** It is undefined if Kafka or one of the topics is unavailable: then only the document is checked. */
  readonly readState: ((stop: AbortSignal) => Promise<KafkaState>) | undefined
  readonly clock: Clock
}

/**
 * Checks whether the stream can open: the row of the table of recovery for document and commit record
 * (docs/decisions/20261126-recovery.md). Reads only. Rejects with `storage.*`, `publish.*`, `checkpoint.*` or the
 * reason of `stop`.
 */
export async function checkCheckpoint(parts: CheckpointCheck, stop: AbortSignal): Promise<CheckResult> {
  const { object } = parts.stream
  const before = await object.read(stop)
  const state = await parts.readState?.(stop)
  const stored = state === undefined ? before : await object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  // A replica runs the stream, so document and record were read at different times.
  if (stored?.version !== before?.version) return okResult(`being written by ${document?.claim.owner}`)
  return document === undefined ? judgeNew(parts, state) : judgeDocument(parts, document, state)
}

function judgeNew({ stream, kafka, clock }: CheckpointCheck, state: KafkaState | undefined): CheckResult {
  const { beginAt } = stream.config
  const valid = state && expectedState(stream, { document: undefined, state, clock })
  if (valid?.kind === 'hold') return failedResult(valid.code, valid.why)
  if (beginAt === undefined)
    return failedResult('config.invalid', 'none yet, and no start is set', 'set POLARIS_LAST_CHANGED')
  const start = `none yet; the stream will start at ${serverTimeText(beginAt)}`
  if (state !== undefined || kafka.isTopicMissing) return okResult(start)
  const unknown = `${start}, unless Kafka has its commit record: that was not checked`
  return warningResult(unknown, 'correct what failed in Kafka, and run doctor again')
}

function judgeDocument(
  { stream, kafka, clock }: CheckpointCheck,
  document: CheckpointDocument,
  state: KafkaState | undefined,
): CheckResult {
  const { kafka: publishing } = stream.config
  const destination = state?.destination ?? { clusterId: kafka.clusterId, topic: publishing.topic.events }
  const wrong = mismatch(document, { ...stream.identity, destination })
  if (wrong !== undefined) return failedResult(wrong.code, wrong.why)
  if (kafka.isTopicMissing && nextEventOf(document) > 0)
    return failedResult('checkpoint.topic-lost', topicLostError(destination.topic).message)
  const valid = state && expectedState(stream, { document, state, clock })
  if (valid?.kind === 'hold') return failedResult(valid.code, valid.why)
  const { claim } = document
  const { state: reached } = valid?.kind === 'pending' ? committedPartByRecord(document) : document.committed
  const owner = claim.owner ?? 'no replica'
  const opened = `epoch ${claim.epoch}, open on ${owner}, claimed at ${new Date(claim.at).toISOString()}`
  const limitation = state === undefined ? ', not compared with Kafka' : ''
  return okResult(`${opened}; next event number ${reached.nextEvent}${limitation}`)
}

/**
 * Returns the state that an opening would find; undefined while a transaction is open, which is normal while a replica
 * runs the stream.
 */
function expectedState(
  { config: { topicUse } }: CheckpointCheck['stream'],
  { document, state, clock }: { document: CheckpointDocument | undefined; state: KafkaState; clock: Clock },
): ValidState | undefined {
  const { foundRecord, isTopicEmpty } = state
  if (foundRecord.kind === 'unstable') return undefined
  return validState(document, { foundRecord, mayBegin: isTopicEmpty || topicUse === 'shared', now: clock.now() })
}
