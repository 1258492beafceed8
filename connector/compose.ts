import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConnectorConfig, StreamConfig } from './config/connector-config.ts'
import { eventSource } from './event/client-event.ts'
import type { OpenParts } from './pipeline/open-stream.ts'
import { openingTurns } from './pipeline/opening-turns.ts'
import type { PipelineParts } from './pipeline/pipeline.ts'
import type { Observe } from './pipeline/pipeline-event.ts'
import type { Reopening, StreamParts } from './pipeline/run-stream.ts'
import { createServerClock } from './pipeline/server-clock.ts'
import { kafkaEventPublisher } from './publish/kafka-event-publisher.ts'
import type { Clock } from './runtime/clock.ts'
import { type CloseStack, closeStack } from './runtime/close-stack.ts'
import type { Turns } from './runtime/turns.ts'
import { httpClientSource } from './source/http-client-source.ts'
import type { PolarisConfig } from './source/polaris-config.ts'
import { serverTurns } from './source/server-turns.ts'
import type { CheckpointStore, StoreParts } from './storage/checkpoint-store.ts'
import { checkpointKey } from './storage/checkpoint-store-config.ts'
import { openCheckpointStore } from './storage/open-store.ts'
import type { LibraryLog } from './telemetry/library-log.ts'

/** The only place that picks adapters, with `compose-placement.ts`. */

/** What all streams of a process share. */
export interface Surroundings {
  readonly config: ConnectorConfig
  readonly clock: Clock
  /** This replica's name, unique among all processes. */
  readonly replica: string
  readonly store: CheckpointStore
  /** Resolves once the store is known to keep its promises; asks it once. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly kafkaLog: LibraryLog
  /** The turns in which the streams of one server make their requests. */
  readonly turnsOf: (server: PolarisConfig) => Turns
  /** The turns in which streams are opened. */
  readonly openings: Turns
}

export function replicaName(): string {
  return `${hostname()}-${randomUUID().slice(0, 8)}`
}

/** The checkpoint store and what goes with it; closed by `closing`. */
export function surroundings(
  config: ConnectorConfig,
  {
    onStoreRetry,
    ...parts
  }: Pick<Surroundings, 'clock' | 'replica' | 'kafkaLog'> & { onStoreRetry: StoreParts['onRetry'] },
  closing: CloseStack,
): Surroundings {
  const store = closing.use(
    openCheckpointStore(config.checkpoint, { clock: parts.clock, onRetry: onStoreRetry }),
    (opened) => opened.close(),
  )
  let isProbed = false
  const storeReady = async (stop: AbortSignal) => {
    if (!isProbed) await store.probe(stop)
    isProbed = true
  }
  const { clock } = parts
  return { ...parts, config, store, storeReady, openings: openingTurns(clock), turnsOf: serverTurns(clock) }
}

/** How a run differs from the service. */
export interface RunMode {
  readonly until: PipelineParts['until']
  readonly reopening: Reopening
  readonly giveUp: AbortSignal
  readonly isAssigned: OpenParts['isAssigned']
  readonly observe: Observe
}

/** A service tries for ever. */
export const serviceReopening: Reopening = {
  retries: Number.POSITIVE_INFINITY,
  withinMs: Number.POSITIVE_INFINITY,
  firstPauseMs: 500,
  maxPauseMs: 30_000,
  maxRetryAfterMs: 300_000,
}
/** A one-shot command gives up soon. */
export const oneShotReopening: Reopening = { ...serviceReopening, retries: 3, withinMs: 10_000, maxPauseMs: 5_000 }

export function composeStream(
  stream: StreamConfig,
  around: Surroundings,
  mode: RunMode,
): StreamParts & { closing: CloseStack } {
  const { clock } = around
  const { observe, isAssigned } = mode
  const closing = closeStack()
  const http = { clock, observe, turns: around.turnsOf(stream.polaris) }
  const source = closing.use(httpClientSource(stream.polaris, http), (opened) => opened.close())
  const reader = {
    source,
    clock,
    serverClock: createServerClock(clock, () => observe({ kind: 'server-clock-missing' })),
    settings: stream.poll,
    observe,
  }
  const pipeline: PipelineParts = {
    reader,
    group: groupParts(stream, around, observe),
    clock,
    delivery: stream.kafka.delivery,
    groupMaxSize: around.config.group.maxBytes,
    groupMaxDelayMs: around.config.group.maxDelayMs,
    deliverWithinMs: stream.kafka.timeouts.commitWithinMs,
    giveUp: mode.giveUp,
    savePeriodMs: around.config.savePeriodMs,
    until: mode.until,
  }
  return {
    open: openParts(stream, around, { isAssigned, observe, closing }),
    pipeline,
    clock,
    observe,
    idleAfterMs: around.config.idleAfterMs,
    reopening: mode.reopening,
    closing,
  }
}

function groupParts(stream: StreamConfig, { config }: Surroundings, observe: Observe): PipelineParts['group'] {
  return {
    settings: {
      source: eventSource(config.connector, stream.name),
      timeZone: stream.poll.timeZone,
      hashIgnore: stream.hashIgnore,
      maxValueBytes: stream.kafka.maxMessageBytes - FRAMING_BYTES,
      deadLetterClient: stream.deadLetterClient,
    },
    fields: stream.fields,
    deadLetterLimit: stream.deadLetterLimit,
    windowCapacity: stream.windowCapacity,
    overlapMs: stream.poll.overlapMs,
    observe,
  }
}

/** What a record adds to its value: headers, key and lengths; ids are short. */
const FRAMING_BYTES = 1024

/** Where the checkpoint of a stream is. */
export function streamObject(stream: StreamConfig, { config, store }: Surroundings): OpenParts['object'] {
  return store.object(checkpointKey(config.connector, stream.name))
}

/** Says that it is so whatever the group says: for a one-shot command, which takes the stream from whoever runs it. */
export const withoutPlacement: Pick<OpenParts, 'isAssigned'> = { isAssigned: () => true }

/** What opening a stream needs; also for the operator's commands. */
export function openParts(
  stream: StreamConfig,
  around: Surroundings,
  { isAssigned, observe, closing }: Pick<OpenParts, 'isAssigned'> & { observe: Observe; closing: CloseStack },
): OpenParts {
  const { config, clock, replica, kafkaLog } = around
  const publisher = closing.use(
    kafkaEventPublisher(stream.kafka, { connector: config.connector, stream: stream.name, clock, log: kafkaLog }),
    (opened) => opened.close(),
  )
  return {
    storeReady: around.storeReady,
    openings: around.openings,
    object: streamObject(stream, around),
    publisher,
    identity: {
      connector: config.connector,
      stream: stream.name,
      source: {
        url: stream.polaris.url,
        codeMagasin: stream.polaris.codeMagasin,
        prefixCle: stream.polaris.prefixCle ?? null,
      },
    },
    beginAt: stream.beginAt,
    owner: replica,
    offsetsRetentionMs: config.offsetsRetentionMs,
    windowCapacity: stream.windowCapacity,
    isAssigned,
    clock,
    newNonce: () => randomUUID(),
    onWritten: (bytes) => observe({ kind: 'checkpoint-saved', bytes }),
    observe,
  }
}
