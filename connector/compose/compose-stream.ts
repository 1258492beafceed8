import { randomUUID } from 'node:crypto'
import type { ConnectorConfig, StreamConfig } from '../config/connector-config.ts'
import type { StreamRequests } from '../control/stream-requests.ts'
import { eventSource } from '../event/client-event.ts'
import type { EventSettings } from '../event/client-record.ts'
import { dataSchema } from '../event/data-schema.ts'
import { deadLetterGuard } from '../event/dead-letter.ts'
import { fieldAttributes } from '../event/field-attributes.ts'
import { fieldWatch } from '../event/missing-fields.ts'
import { presentRules, type ReadingRules } from '../event/read-client.ts'
import { keySet } from '../index/key-set.ts'
import { streamIndex } from '../index/stream-index.ts'
import { checkStream } from '../inspect/check-stream.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { erasureMarks } from '../pipeline/features/erase/erasure-marks.ts'
import { fullScanMemory } from '../pipeline/features/removal/full-scan-memory.ts'
import type { PipelineParts } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ReaderParts } from '../pipeline/read/page-reading.ts'
import { createServerClock } from '../pipeline/read/server-clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import type { Outages } from '../source/recovery/after-failed-read.ts'
import { checkpointKey, erasuresKey } from '../storage/checkpoint-store-config.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import { attempts } from '../stream/attempt.ts'
import type { OpenParts } from '../stream/open/open-parts.ts'
import type { StreamAdapters } from '../stream/run-stream.ts'
import type { Reopening } from '../stream/tries.ts'
import { openSource } from './compose-source.ts'
import type { SharedResources } from './shared-resources.ts'

/** How `run` and a one-shot command differ. */
interface RunMode {
  readonly until: ReaderParts['until']
  readonly outages: Outages
  readonly giveUp: AbortSignal
  readonly assignment: OpenParts['assignment']
  /** What operators have requested of the stream. */
  readonly requests: StreamRequests
  readonly observe: Observe
}

/** For `run`: reopens indefinitely. */
export const serviceReopening: Reopening = {
  retries: Number.POSITIVE_INFINITY,
  withinMs: Number.POSITIVE_INFINITY,
  firstPauseMs: 500,
  maxPauseMs: 30_000,
  maxRetryAfterMs: 300_000,
}
/** For a one-shot command: gives up within seconds. */
export const oneShotReopening: Reopening = { ...serviceReopening, retries: 3, withinMs: 10_000, maxPauseMs: 5_000 }

/** What the attempts to run a stream share. */
export function composeStream(stream: StreamConfig, shared: SharedResources, mode: RunMode): StreamAdapters {
  const { clock, accounts, config } = shared
  const { observe, assignment, outages, requests } = mode
  const { polaris } = stream
  const closing = closeStack()
  const server = { permits: shared.limitOf(polaris), breaker: shared.breakerOf(polaris) }
  const http = { clock, observe, ...server, accounts, outages }
  const reader: ReaderParts = {
    source: closing.use(openSource(polaris, http), (opened) => opened.close()),
    clock,
    serverClock: createServerClock(clock, observe),
    settings: stream.poll,
    fields: stream.fields,
    beginAt: beginningOf(stream),
    until: mode.until,
    observe,
  }
  const open = openParts(stream, shared, { assignment, observe, closing, seenControl: requests.seen })
  const pipeline: PipelineParts = {
    reader,
    requests,
    erasures: open.erasures,
    erasureRetryAt: new Map(),
    publisher: open.publisher,
    group: groupParts(stream, shared, observe),
    clock,
    groupMaxSize: config.pageGroup.maxBytes,
    groupMaxDelayMs: config.pageGroup.maxDelayMs,
    deliverWithinMs: stream.kafka.timeouts.commitWithinMs,
    giveUp: mode.giveUp,
    savePeriodMs: config.savePeriodMs,
  }
  // A check makes no retries of its own: it is repeated as a whole.
  const impatient = { ...polaris, retry: { ...polaris.retry, retries: 0 } }
  const quiet = { ...http, outages: 'give-up' as const, observe: () => {} }
  const checking = { open, reader, group: pipeline.group, openSource: () => openSource(impatient, quiet) }
  return {
    attempt: attempts({ open, pipeline, idleAfterMs: config.idleAfterMs }),
    check: (code, stop) => checkStream(checking, code, stop),
    close: closing.close,
  }
}

/** The rules by which clients become events. */
export function eventRules(stream: StreamConfig, { config }: Pick<SharedResources, 'config'>) {
  return {
    settings: eventSettings(config, stream),
    reading: readingRules(stream),
    limit: stream.deadLetterLimit,
  }
}

function groupParts(stream: StreamConfig, shared: SharedResources, observe: Observe): PipelineParts['group'] {
  const { settings, reading, limit } = eventRules(stream, shared)
  return {
    settings,
    rules: reading,
    indexRules: indexRules(stream),
    scanSettings: stream.poll,
    beginAt: beginningOf(stream),
    removal: stream.removed && { settings: stream.removed, memory: fullScanMemory(), unknown: keySet() },
    fieldWatch: stream.event.fields && fieldWatch(stream.event.fields),
    deadLetters: deadLetterGuard(limit),
    observe,
  }
}

/** What of a client decides whether it changed, and what its event contains. */
export function readingRules({ poll, hashIgnore, event }: StreamConfig): ReadingRules {
  return { timeZone: poll.timeZone, ignored: hashIgnore, ...event }
}

/** How the clients of a stream become events. */
export function eventSettings(
  { connector, contractUrl }: Pick<ConnectorConfig, 'connector' | 'contractUrl'>,
  { name, kafka, deadLetterClient, event }: StreamConfig,
): EventSettings {
  return {
    source: eventSource(connector, name),
    dataSchema: dataSchema(contractUrl),
    maxValueBytes: kafka.maxMessageBytes - FRAMING_BYTES,
    deadLetterClient,
    extensions: fieldAttributes(event.fields, event.hmac),
  }
}

/** Upper bound of a record's headers, key and lengths, in bytes. */
const FRAMING_BYTES = 1024

/** The checkpoint object of a stream. */
export function streamObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(checkpointKey(config.connector, stream.name))
}

function erasuresObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(erasuresKey(checkpointKey(config.connector, stream.name)))
}

export function streamSegments(stream: StreamConfig, { config, store }: SharedResources): SegmentStore {
  return store.segments(checkpointKey(config.connector, stream.name))
}

const FIRST_AUDIT_MS = 3_600_000
export const beginningOf = ({ beginAt }: StreamConfig): SourceTime => beginAt ?? UNKNOWN_BEGINNING

/** Another id field or size limit may turn dead letters into events. */
function indexRules(stream: StreamConfig): string {
  return presentRules(readingRules(stream), `${stream.fields.clientId} ${stream.kafka.maxMessageBytes}`)
}

/** Ignores placement: a one-shot command takes the stream from its current owner. */
export const withoutPlacement: Pick<OpenParts, 'assignment'> = { assignment: () => 'here' }

/** What a checkpoint must belong to, except for the topic. */
export function streamIdentity({ name, polaris }: StreamConfig, connector: string): OpenParts['identity'] {
  const { url, codeMagasin, prefixCle = null } = polaris
  return { connector, stream: name, source: { url, codeMagasin, prefixCle } }
}

interface OpeningMode extends Pick<OpenParts, 'assignment' | 'seenControl'> {
  readonly observe: Observe
  readonly closing: CloseStack
}

/** What opening a stream needs. */
export function openParts(
  stream: StreamConfig,
  shared: SharedResources,
  { assignment, observe, closing, seenControl }: OpeningMode,
): OpenParts {
  const { config, clock, replica, accounts, kafkaLog: log } = shared
  const publisher = closing.use(
    kafkaEventPublisher(stream.kafka, { connector: config.connector, stream: stream.name, clock, log, accounts }),
    (opened) => opened.close(),
  )
  return {
    storeReady: shared.storeReady,
    openLimit: shared.openLimit,
    object: streamObject(stream, shared),
    erasures: erasureMarks({ object: erasuresObject(stream, shared), newNonce: randomUUID }),
    publisher,
    identity: streamIdentity(stream, config.connector),
    topic: stream.kafka.topic.events,
    beginAt: stream.beginAt,
    owner: replica,
    offsetsRetentionMs: config.offsetsRetentionMs,
    indexRules: indexRules(stream),
    index: closing.use(
      streamIndex(streamSegments(stream, shared), clock.monotonic() + FIRST_AUDIT_MS, { memory: shared.indexMemory }),
      (index) => index.release(),
    ),
    assignment,
    ...(seenControl && { seenControl }),
    clock,
    newNonce: () => randomUUID(),
    onWritten: (bytes) => observe({ kind: 'checkpoint-saved', bytes }),
    observe,
  }
}
