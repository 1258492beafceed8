import { randomUUID } from 'node:crypto'
import { streamWishes } from '../checkpoint/wishes.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import { deadLetterGuard } from '../event/dead-letter.ts'
import { configuredPaths } from '../event/fields/configured-paths.ts'
import type { StreamMapping } from '../event/page-mapping.ts'
import { streamIndex } from '../index/stream-index.ts'
import type { InspectionReader } from '../inspect/inspected-pages.ts'
import { kafkaTimes } from '../kafka/kafka-times.ts'
import { kafkaEventPublisher } from '../kafka/transactions/stream-producer.ts'
import type { PipelineParts } from '../pipeline/pipeline.ts'
import { newPageFailures, type ReaderParts } from '../pipeline/read/reader-parts.ts'
import { createServerClock } from '../pipeline/read/server-clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { ClientSource, SourceEvent } from '../source/client-source.ts'
import type { Intercept } from '../source/polaris/http/http-caller.ts'
import { savedSource } from '../source/polaris/http/saved-answers.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import type { AccountGate } from '../source/polaris/session/account-gate.ts'
import { checkpointKey, wishesKey } from '../storage/checkpoint-store-config.ts'
import type { OpenParts } from '../stream/open-stream.ts'
import type { StreamComposition, StreamParts } from '../stream/run-stream.ts'
import type { SharedResources } from './shared-resources.ts'

interface CompositionParts extends StreamComposition {
  readonly endsWhen: ReaderParts['endsWhen']
  readonly accounts: AccountGate
}

/** Builds one stream while it is assigned to this replica. */
export function composeStream(stream: StreamConfig, shared: SharedResources, composing: CompositionParts): StreamParts {
  return {
    openParts: openParts(stream, shared, composing),
    pipelineParts: pipelineParts(stream, shared, composing),
  }
}

function pipelineParts(
  stream: StreamConfig,
  shared: SharedResources,
  { endsWhen, giveUp, observe, closing, accounts }: CompositionParts,
): PipelineParts {
  const { clock, config } = shared
  const source = openSource(stream, { shared, closing, observe, accounts })
  const reader = pageReader(stream, { source, clock, retries: stream.polaris.retry.retries })
  return {
    readerParts: { ...reader, endsWhen, observe },
    groupParts: {
      settings: stream.events,
      deadLetterGuard: deadLetterGuard(),
      observe,
    },
    clock,
    groupMaxValueBytes: config.pageGroup.maxBytes,
    groupMaxDelayMs: config.pageGroup.maxDelayMs,
    deliverWithinMs: kafkaTimes.commitWithinMs,
    giveUp,
    savePeriodMs: config.savePeriodMs,
  }
}

function openParts(
  stream: StreamConfig,
  shared: SharedResources,
  { observe, closing, accounts }: CompositionParts,
): OpenParts {
  const { config, clock, replica: owner, openLimit, storeReady, store } = shared
  const { connector } = config
  const index = streamIndex(store.segments(checkpointKey(connector, stream.name)))
  const newNonce = randomUUID
  return {
    identity: streamIdentity(stream, connector),
    topic: stream.kafka.topic.events,
    beginAt: stream.beginAt,
    settings: stream.poll,
    topicUse: stream.topicUse,
    storeReady,
    object: streamObject(stream, shared),
    wishes: streamWishes({ object: wishesObject(stream, shared), newNonce, onResume: accounts.allowOneTry }, observe),
    indexCache: closing.use(index, (opened) => opened.forget()),
    publisher: kafkaEventPublisher(stream.kafka, { connector, stream: stream.name, clock }),
    openLimit,
    owner,
    clock,
    newNonce,
    observe,
  }
}

/** Returns the checkpoint object of a stream. */
export function streamObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(checkpointKey(config.connector, stream.name))
}

/** Returns the object with what operators wish of a stream. */
export function wishesObject(stream: StreamConfig, { config, store }: SharedResources): OpenParts['object'] {
  return store.object(wishesKey(checkpointKey(config.connector, stream.name)))
}

/** Returns what a checkpoint must belong to, except for the topic. */
export function streamIdentity({ name, polaris }: StreamConfig, connector: string): OpenParts['identity'] {
  const { url, codeMagasin, prefixCle = null } = polaris
  return { connector, stream: name, source: { url, codeMagasin, prefixCle } }
}

export interface OpenSourceParts {
  readonly shared: SharedResources
  readonly closing: CloseStack
  readonly observe: (event: SourceEvent) => void
  readonly intercept?: Intercept | undefined
  /** Default: a new one. */
  readonly accounts?: AccountGate
}

export function openSource({ polaris }: StreamConfig, { shared, closing, ...parts }: OpenSourceParts): ClientSource {
  const { clock, newAccountGate, requestRates } = shared
  const turn = requestRates.of(polaris)
  const source = httpClientSource(polaris, { clock, accounts: newAccountGate(), ...parts, turn })
  return closing.use(source, (opened) => opened.close())
}

/** Builds what the pages of a stream are read with. */
function pageReader(
  stream: StreamConfig,
  { source, clock, retries }: Pick<ReaderParts, 'source' | 'clock'> & { retries: number },
): Omit<ReaderParts, 'endsWhen' | 'observe'> {
  const { poll: settings, fields: configuredFields, polaris, rules } = stream
  return {
    source,
    retryPolicy: { ...polaris.retry, retries },
    clock,
    serverClock: createServerClock(clock),
    livePageFailures: newPageFailures(),
    settings,
    configuredFields,
    rules,
    configuredPaths: configuredPaths(rules),
    beginAt: stream.beginAt ?? UNKNOWN_BEGINNING,
  }
}

export interface CommandReader extends Pick<OpenSourceParts, 'shared' | 'closing'> {
  readonly retries: number
  /** It reads the saved answers of this folder in place of the server. */
  readonly from?: string | undefined
  readonly mapping: StreamMapping | null
}

/** Builds the reader with which a command reads a stream; it gives up during an outage. */
export function commandReader(
  stream: StreamConfig,
  { shared, closing, retries, from, mapping }: CommandReader,
): InspectionReader {
  const openWith = (intercept?: Intercept) => openSource(stream, { shared, closing, observe: () => {}, intercept })
  const source = from === undefined ? openWith() : savedSource(from, openWith)
  return { ...pageReader(stream, { source, clock: shared.clock, retries }), mapping }
}
