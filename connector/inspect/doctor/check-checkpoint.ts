import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState } from '../../checkpoint/described-state.ts'
import { type KnownIdentity, mismatch, publishedEvents } from '../../checkpoint/mismatch.ts'
import { type Resolution, resolveState } from '../../checkpoint/resolve.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import { topicLost } from '../../kafka/admin/topics.ts'
import { readTopicEvents } from '../../kafka/reading/scan-events.ts'
import { readKafkaState } from '../../kafka/transactions/kafka-state.ts'
import type { EventPublisher, KafkaState } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import type { VersionedObject } from '../../storage/versioned-object.ts'
import { firstWriter, heldByWriter, type IsWriter, writersThatHold } from '../../stream/open/first-writer.ts'
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
  readonly offsetsRetentionMs: number
  readonly clock: Clock
  /** See `StreamUnderTest`. Rejects also with the reason of `stop`. */
  readonly readIndex: (document: CheckpointDocument, stop: AbortSignal) => Promise<void>
  /** Undefined: Kafka or one of the topics is unavailable, and only the document is checked. */
  readonly readState: ((stop: AbortSignal) => Promise<KafkaState>) | undefined
  /** See `firstWriter`; called only for a stream without a checkpoint. */
  readonly findWriter: (isWanted: IsWriter, stop: AbortSignal) => Promise<string | undefined>
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
  if (document === undefined) return kafka === undefined ? judged : await judgeNew(question, judged, stop)
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
  if (document !== undefined && resolution?.kind === 'needs-scan')
    return warning(
      `${described(document, resolution.kind, timeZone)}; Kafka does not have its commit record`,
      'run the stream: it scans the topic for its last events, and is held if they are missing',
    )
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

/** A new stream must be the first writer of its topic, unless that is meant to be otherwise. */
async function judgeNew(question: CheckpointQuestion, judged: CheckResult, stop: AbortSignal): Promise<CheckResult> {
  const { topicUse, identity, findWriter } = question
  const writer = await findWriter(writersThatHold(topicUse, identity), stop)
  if (writer !== undefined) {
    const held = heldByWriter(writer, identity)
    return failed(held.code, held.why)
  }
  const other = topicUse === 'shared' ? await findWriter(() => true, stop) : undefined
  if (other === undefined) return judged
  return warning(
    `${judged.detail}, and publish all clients to a topic that has records of ${other}`,
    'use `polaris-connector checkpoint rename` if the stream only got another name',
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

function resolutionOf(
  { clock, offsetsRetentionMs: retentionMs }: CheckpointQuestion,
  document: CheckpointDocument | undefined,
  { stored }: KafkaState,
): Resolution {
  // An open transaction is normal while a replica runs the stream.
  return resolveState(document, { record: stored.record, isUnstable: false, now: clock.now(), retentionMs })
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
  { config, clock, admin }: DoctorParts,
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
  const reading = { ...admin, config: publishing }
  const publisher: Pick<EventPublisher, 'readEvents'> = { readEvents: (of, stop) => readTopicEvents(reading, of, stop) }
  const findWriter: CheckpointQuestion['findWriter'] = (isWanted, stop) => firstWriter(publisher, isWanted, stop)
  const { offsetsRetentionMs } = config
  return after(store, 'the checkpoint store', () =>
    checked({ finish, timeoutCode: 'storage.unavailable' }, () =>
      checkCheckpoint(
        {
          object,
          identity,
          isTopicMissing,
          beginAt,
          timeZone: poll.timeZone,
          offsetsRetentionMs,
          clock,
          readIndex,
          readState,
          findWriter,
          topicUse,
        },
        finish,
      ),
    ),
  )
}
