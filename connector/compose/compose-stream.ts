import { randomUUID } from 'node:crypto'
import { streamWishes } from '../checkpoint/wishes.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import { eventSettings, readingRules } from '../event/configured-events.ts'
import { deadLetterGuard, deadLetterLimit } from '../event/dead-letter.ts'
import { streamIndex } from '../index/stream-index.ts'
import { kafkaEventPublisher } from '../kafka/kafka-event-publisher.ts'
import { kafkaTimes } from '../kafka/kafka-times.ts'
import type { PipelineParts } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import { checkpointKey, wishesKey } from '../storage/checkpoint-store-config.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ConfiguredStream, OpenParts, StoredStream } from '../stream/open/open-parts.ts'
import { type SessionParts, type StreamSession, streamSession } from '../stream/stream-session.ts'
import { beginningOf, pageReader } from './compose-source.ts'
import type { SharedResources } from './shared-resources.ts'

/** How a stream runs. */
interface RunMode {
  readonly until: ReaderParts['until']
  readonly giveUp: AbortSignal
  readonly isAssigned: OpenParts['isAssigned']
  readonly observe: Observe
}

/** One stream while it is assigned to this replica; composed when it is first run. */
export function composeStream(stream: StreamConfig, shared: SharedResources, mode: RunMode): StreamSession {
  return streamSession((closing) => composeParts(stream, shared, { ...mode, closing }))
}

/** How often a replica looks for what operators wish. */
const LOOK_EVERY_MS = 10_000

function sourceParts({ polaris }: StreamConfig, { clock, accounts, requestRates }: SharedResources, observe: Observe) {
  return { clock, accounts, observe, turn: requestRates.of(polaris) }
}

function composeParts(
  stream: StreamConfig,
  shared: SharedResources,
  { closing, ...mode }: RunMode & { readonly closing: CloseStack },
): SessionParts {
  const { clock, config } = shared
  const { observe } = mode
  const source = httpClientSource(stream.polaris, sourceParts(stream, shared, observe))
  closing.use(source, (opened) => opened.close())
  const reader: ReaderParts = {
    ...pageReader(stream, { source, clock, observe, retries: stream.polaris.retry.retries }),
    until: mode.until,
    observe,
  }
  const { isAssigned } = mode
  const open = openParts(stream, shared, { isAssigned, observe, closing })
  const pipeline: PipelineParts = {
    reader,
    group: groupParts(stream, observe),
    clock,
    groupMaxSize: config.pageGroup.maxBytes,
    groupMaxDelayMs: config.pageGroup.maxDelayMs,
    deliverWithinMs: kafkaTimes.commitWithinMs,
    giveUp: mode.giveUp,
    savePeriodMs: config.savePeriodMs,
  }
  return { open, pipeline, lookEveryMs: LOOK_EVERY_MS }
}

function groupParts(stream: StreamConfig, observe: Observe): PipelineParts['group'] {
  return {
    settings: eventSettings(stream),
    rules: readingRules(stream),
    scanSettings: stream.poll,
    beginAt: beginningOf(stream),
    deadLetters: deadLetterGuard(deadLetterLimit),
    observe,
  }
}

/** The checkpoint object of a stream. */
export function streamObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(checkpointKey(config.connector, stream.name))
}

/** What operators wish of a stream. */
export function wishesObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(wishesKey(checkpointKey(config.connector, stream.name)))
}

function streamSegments(stream: StreamConfig, { config, store }: SharedResources): SegmentStore {
  return store.segments(checkpointKey(config.connector, stream.name))
}

/** What a checkpoint must belong to, except for the topic. */
export function streamIdentity({ name, polaris }: StreamConfig, connector: string): OpenParts['identity'] {
  const { url, codeMagasin, prefixCle = null } = polaris
  return { connector, stream: name, source: { url, codeMagasin, prefixCle } }
}

interface OpeningMode extends Pick<OpenParts, 'isAssigned'> {
  readonly observe: Observe
  readonly closing: CloseStack
}

/** What opening a stream needs. */
function openParts(stream: StreamConfig, shared: SharedResources, mode: OpeningMode): OpenParts {
  const { config, clock, replica, openLimit, kafkaLog: log } = shared
  const { isAssigned, observe, closing } = mode
  const names = { connector: config.connector, stream: stream.name }
  const publisher = kafkaEventPublisher(stream.kafka, { ...names, clock, log })
  return {
    ...configuredStream(stream, config),
    ...storedStream(stream, shared, mode),
    publisher: closing.use(publisher, (opened) => opened.close()),
    openLimit,
    owner: replica,
    isAssigned,
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
  }
}

function storedStream(
  stream: StreamConfig,
  shared: SharedResources,
  { closing, observe }: Pick<OpeningMode, 'closing' | 'observe'>,
): StoredStream {
  return {
    storeReady: shared.storeReady,
    object: streamObject(stream, shared),
    wishes: streamWishes({ object: wishesObject(stream, shared), newNonce: randomUUID }, observe),
    index: closing.use(streamIndex(streamSegments(stream, shared)), (opened) => opened.forget()),
  }
}
