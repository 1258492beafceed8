import { randomUUID } from 'node:crypto'
import type { StreamConfig } from '../config/connector-config.ts'
import type { StreamRequests } from '../control/stream-requests.ts'
import { eventSettings, indexRules, readingRules } from '../event/configured-events.ts'
import { deadLetterGuard, deadLetterLimit } from '../event/dead-letter.ts'
import { streamIndex } from '../index/stream-index.ts'
import { checkStream } from '../inspect/check-stream.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { kafkaTimes } from '../kafka/kafka-times.ts'
import { featureList } from '../pipeline/features/feature-list.ts'
import type { PipelineParts } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { once } from '../runtime/once.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import { checkpointKey } from '../storage/checkpoint-store-config.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import { type AttemptParts, attempts } from '../stream/attempt.ts'
import type { ConfiguredStream, OpenParts, StoredStream } from '../stream/open/open-parts.ts'
import type { StreamAdapters } from '../stream/run-stream.ts'
import { beginningOf, pageReader } from './compose-source.ts'
import type { SharedResources } from './shared-resources.ts'

/** How a stream runs. */
interface RunMode {
  readonly until: ReaderParts['until']
  readonly giveUp: AbortSignal
  readonly assignment: OpenParts['assignment']
  /** What operators have requested of the stream. */
  readonly requests: StreamRequests
  readonly observe: Observe
}

/** What the attempts to run a stream share; composed when it is first used. */
export function composeStream(stream: StreamConfig, shared: SharedResources, mode: RunMode): StreamAdapters {
  const closing = closeStack()
  const parts = once(() => composeParts(stream, shared, { ...mode, closing }))
  const http = sourceParts(stream, shared, () => {})
  return {
    attempt: attempts(parts),
    check: async (code, stop) => {
      const { open, pipeline } = parts()
      // A check makes no retries of its own: it is repeated as a whole.
      const reader = { ...pipeline.reader, retry: { ...pipeline.reader.retry, retries: 0 } }
      const checking = { open, reader, group: pipeline.group }
      await checkStream({ ...checking, openSource: () => httpClientSource(stream.polaris, http) }, code, stop)
    },
    close: closing.close,
  }
}

function sourceParts({ polaris }: StreamConfig, { clock, accounts, servers }: SharedResources, observe: Observe) {
  return { clock, accounts, observe, permits: servers.of(polaris) }
}

function composeParts(
  stream: StreamConfig,
  shared: SharedResources,
  { closing, ...mode }: RunMode & { readonly closing: CloseStack },
): AttemptParts {
  const { clock, config } = shared
  const { observe, requests } = mode
  const source = httpClientSource(stream.polaris, sourceParts(stream, shared, observe))
  closing.use(source, (opened) => opened.close())
  const reader: ReaderParts = {
    ...pageReader(stream, { source, clock, observe, retries: stream.polaris.retry.retries }),
    until: mode.until,
    observe,
  }
  const { assignment } = mode
  const open = openParts(stream, shared, { assignment, observe, closing, seenControl: requests.seen })
  const pipeline: PipelineParts = {
    reader,
    requests,
    features: featureList(),
    group: groupParts(stream, observe),
    clock,
    groupMaxSize: config.pageGroup.maxBytes,
    groupMaxDelayMs: config.pageGroup.maxDelayMs,
    deliverWithinMs: kafkaTimes.commitWithinMs,
    giveUp: mode.giveUp,
    savePeriodMs: config.savePeriodMs,
  }
  return { open, pipeline }
}

/** The rules by which clients become events. */
export function eventRules(stream: StreamConfig) {
  return {
    settings: eventSettings(stream),
    reading: readingRules(stream),
    limit: deadLetterLimit,
  }
}

function groupParts(stream: StreamConfig, observe: Observe): PipelineParts['group'] {
  const { settings, reading, limit } = eventRules(stream)
  return {
    settings,
    rules: reading,
    indexRules: indexRules(stream),
    scanSettings: stream.poll,
    beginAt: beginningOf(stream),
    deadLetters: deadLetterGuard(limit),
    observe,
  }
}

/** The checkpoint object of a stream. */
export function streamObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(checkpointKey(config.connector, stream.name))
}

export function streamSegments(stream: StreamConfig, { config, store }: SharedResources): SegmentStore {
  return store.segments(checkpointKey(config.connector, stream.name))
}

const FIRST_AUDIT_MS = 3_600_000

/** Ignores placement: a command takes the stream from its current owner. */
export const withoutPlacement: Pick<OpenParts, 'assignment'> = { assignment: () => 'here' }

/** What a checkpoint must belong to, except for the topic. */
export function streamIdentity({ name, eventSource, polaris }: StreamConfig, connector: string): OpenParts['identity'] {
  const { url, codeMagasin, prefixCle = null } = polaris
  return { connector, stream: name, eventSource, source: { url, codeMagasin, prefixCle } }
}

interface OpeningMode extends Pick<OpenParts, 'assignment' | 'seenControl'> {
  readonly observe: Observe
  readonly closing: CloseStack
}

/** What opening a stream needs. */
export function openParts(stream: StreamConfig, shared: SharedResources, mode: OpeningMode): OpenParts {
  const { config, clock, replica, openLimit, kafkaLog: log } = shared
  const { assignment, observe, closing, seenControl } = mode
  const names = { connector: config.connector, stream: stream.name }
  const publisher = kafkaEventPublisher(stream.kafka, { ...names, clock, log })
  return {
    ...configuredStream(stream, config),
    ...storedStream(stream, shared, closing),
    publisher: closing.use(publisher, (opened) => opened.close()),
    openLimit,
    owner: replica,
    assignment,
    ...(seenControl && { seenControl }),
    clock,
    newNonce: randomUUID,
    onWritten: (bytes) => observe({ kind: 'checkpoint-saved', bytes }),
    observe,
  }
}

function configuredStream(stream: StreamConfig, config: SharedResources['config']): ConfiguredStream {
  return {
    identity: streamIdentity(stream, config.connector),
    topic: stream.kafka.topic.events,
    beginAt: stream.beginAt,
    topicUse: stream.topicUse,
    indexRules: indexRules(stream),
  }
}

function storedStream(stream: StreamConfig, shared: SharedResources, closing: CloseStack): StoredStream {
  const { storeReady, clock, indexMemory: memory } = shared
  const index = streamIndex(streamSegments(stream, shared), clock.monotonic() + FIRST_AUDIT_MS, { memory })
  return {
    storeReady,
    object: streamObject(stream, shared),
    index: closing.use(index, (opened) => opened.release()),
  }
}
