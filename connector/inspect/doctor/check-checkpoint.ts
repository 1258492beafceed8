import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState } from '../../checkpoint/described-state.ts'
import { type KnownIdentity, mismatch, publishedEvents } from '../../checkpoint/mismatch.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import { type ValidState, validState } from '../../checkpoint/valid-state.ts'
import { topicLost } from '../../kafka/admin/topics.ts'
import { readKafkaState } from '../../kafka/transactions/kafka-state.ts'
import type { KafkaState } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import type { VersionedObject } from '../../storage/versioned-object.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { after, type CheckResult, checked, failed, ok, warning } from './finding.ts'
import type { StreamKafkaChecks } from './kafka/check-stream-kafka.ts'

export interface CheckpointQuestion {
  readonly object: VersionedObject
  /** As far as it is known without a topic. */
  readonly identity: KnownIdentity
  /** Whether the events topic is known to be missing. */
  readonly isTopicMissing: boolean
  readonly beginAt: SourceTime | undefined
  /** The server's time zone (IANA name). */
  readonly timeZone: string
  readonly clock: Clock
  /** See `StreamUnderTest`. Rejects also with the reason of `stop`. */
  readonly readIndex: (document: CheckpointDocument, stop: AbortSignal) => Promise<void>
  /** Undefined: Kafka or one of the topics is unavailable, and only the document is checked. */
  readonly readState: ((stop: AbortSignal) => Promise<KafkaState>) | undefined
  readonly topicUse: 'exclusive' | 'shared'
}

/**
 * Whether the stream can open, and where it would resume. Reads only. Rejects with `storage.*`, `publish.*`,
 * `checkpoint.*` or the reason of `stop`.
 */
export async function checkCheckpoint(question: CheckpointQuestion, stop: AbortSignal): Promise<CheckResult> {
  const { object, readState } = question
  const before = await object.read(stop)
  const kafka = await readState?.(stop)
  const stored = kafka === undefined ? before : await object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  if (stored?.version !== before?.version) return ok(`being written by ${document?.claim.owner}`)
  const judged = judgeDocument(question, { document, kafka })
  if (judged.verdict === 'failed') return judged
  if (document === undefined) return judged
  try {
    await question.readIndex(document, stop)
    return judged
  } catch (error) {
    // A replica that wrote the document meanwhile may have deleted a segment.
    if ((await object.read(stop))?.version !== stored?.version) return ok(`being written by ${document.claim.owner}`)
    throw error
  }
}

function judgeDocument(
  question: CheckpointQuestion,
  { document, kafka }: { document: CheckpointDocument | undefined; kafka: KafkaState | undefined },
): CheckResult {
  const { beginAt, timeZone } = question
  const conflict = document && conflictOf(question, document, kafka)
  if (conflict !== undefined) return failed(conflict.code, conflict.why)
  const resolution = kafka && resolutionOf(question, document, kafka)
  if (resolution?.kind === 'hold') return failed(resolution.code, resolution.why)
  if (document !== undefined) return ok(described(document, resolution?.kind, timeZone))
  if (beginAt === undefined)
    return failed('config.invalid', 'none yet, and no start is configured', 'set POLARIS_LAST_CHANGED')
  const start = `none yet; the stream will start at ${serverTimeText(beginAt)}`
  if (kafka !== undefined || question.isTopicMissing) return ok(start)
  return warning(
    `${start}, unless Kafka has its commit record: that was not checked`,
    'correct what failed in Kafka, and run doctor again',
  )
}

/** What `run` would refuse before it resolves the state. */
function conflictOf(
  { identity, isTopicMissing }: CheckpointQuestion,
  document: CheckpointDocument,
  kafka: KafkaState | undefined,
): { code: ErrorCode; why: string } | undefined {
  const destination = kafka?.destination ?? identity.destination
  const found = mismatch(document, { ...identity, destination })
  const published = publishedEvents(document)
  if (found !== undefined || !isTopicMissing || published === 0) return found
  const { code, message } = topicLost(destination.topic, published)
  return { code, why: message }
}

/** Undefined: a transaction is open, which is normal while a replica runs the stream. */
function resolutionOf(
  { clock, topicUse }: CheckpointQuestion,
  document: CheckpointDocument | undefined,
  { found, isEmpty }: KafkaState,
): ValidState | undefined {
  if (found.kind === 'unstable') return undefined
  return validState(document, { found, mayBegin: isEmpty || topicUse === 'shared', now: clock.now() })
}

function described(document: CheckpointDocument, resolution: string | undefined, timeZone: string): string {
  const { claim } = document
  const { state } = resolution === 'pending' ? committedByRecord(document) : document.committed
  const opened = `epoch ${claim.epoch}, opened by ${claim.owner} at ${new Date(claim.at).toISOString()}`
  const limitation = resolution === undefined ? ', not compared with Kafka' : ''
  return `${opened}; ${describedState(state, timeZone)}${limitation}`
}

interface Prerequisites {
  readonly stream: StreamUnderTest
  readonly kafka: StreamKafkaChecks
  readonly store: CheckResult
}

/** Checks that the checkpoint belongs to this stream and agrees with the state of Kafka. Never rejects. */
export function checkStreamStore(
  { clock, admin }: DoctorParts,
  { stream, kafka, store }: Prerequisites,
  finish: AbortSignal,
): Promise<CheckResult> {
  const { object, readIndex, names } = stream
  const { kafka: publishing, beginAt, poll, topicUse } = stream.config
  const { topics, isTopicMissing, clusterId } = kafka
  const identity = { ...stream.identity, destination: { clusterId, topic: publishing.topic.events } }
  const place = { group: names.recordGroup, topic: publishing.topic.events }
  const ofStream = { place, producerIds: [], finder: undefined }
  const readState = topics && ((stop: AbortSignal) => readKafkaState(admin, { topics, ...ofStream }, stop))
  return after(store, 'the checkpoint store', () =>
    checked({ finish, timeoutCode: 'storage.unavailable' }, () =>
      checkCheckpoint(
        {
          object,
          identity,
          isTopicMissing,
          beginAt,
          timeZone: poll.timeZone,
          clock,
          readIndex,
          readState,
          topicUse,
        },
        finish,
      ),
    ),
  )
}
