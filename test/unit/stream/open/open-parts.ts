import { parseDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { noWishes, streamWishes, type Wishes, wishesText } from '../../../../connector/checkpoint/wishes.ts'
import { deadLetterGuard } from '../../../../connector/event/dead-letter.ts'
import { configuredPaths } from '../../../../connector/event/fields/configured-paths.ts'
import { noMapping } from '../../../../connector/event/page-mapping.ts'
import type { ReadingRules } from '../../../../connector/event/read-client.ts'
import { streamIndex } from '../../../../connector/index/stream-index.ts'
import type { OpenedStream } from '../../../../connector/pipeline/delivery.ts'
import type { PageGroupParts } from '../../../../connector/pipeline/group/builder-state.ts'
import type { PipelineParts } from '../../../../connector/pipeline/pipeline.ts'
import type { PipelineEvent } from '../../../../connector/pipeline/pipeline-event.ts'
import { newPageFailures } from '../../../../connector/pipeline/read/reader-parts.ts'
import { createServerClock } from '../../../../connector/pipeline/read/server-clock.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import { semaphore } from '../../../../connector/runtime/semaphore.ts'
import type { ScanSettings } from '../../../../connector/scan/scan-settings.ts'
import type { ClientSource, SourceTime } from '../../../../connector/source/client-source.ts'
import { wishesKey } from '../../../../connector/storage/checkpoint-store-config.ts'
import type { OpenParts } from '../../../../connector/stream/open-stream.ts'
import { openStream } from '../../../../connector/stream/open-stream.ts'
import { tryPauses } from '../../../../connector/stream/stream-tries.ts'
import { fakeKafka } from '../../../support/fakes/fake-event-publisher.ts'
import type { FaultHook } from '../../../support/fakes/fake-kafka-cluster.ts'
import { type MemoryStoreOptions, memoryStore } from '../../../support/fakes/memory-versioned-object.ts'
import { type VirtualClock, virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { eventForm } from '../../../support/records.ts'
import type { AloneParts } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noon, statesOf } from '../../scan/scans.ts'

/** One stream of one replica, on fakes. */

export const KEY = 'shop/clients.json'
export const WISHES = wishesKey(KEY)
export const connector = 'shop'
export const stream = 'clients'
const timeZone = 'Europe/Paris'

/** Without look-backs: a test that needs one sets it. */
const scanSettings: ScanSettings = {
  intervalMs: 5_000,
  overlapMs: 300_000,
  lookBacks: [],
  fullScan: undefined,
  backfill: 'beside',
  limit: 2,
  output: 'json',
  timeZone,
}
/** The stream's configured beginning. */
export const beginAt = '2026-06-15T11:00:00' as SourceTime

const configuredFields = { clientId: 'No', modifiedAt: 'Modif', clients: null, lists: [] }

const mapping = noMapping

export const rules: ReadingRules = { timeZone, ignored: new Set(), lists: [], fields: undefined }

export const groupParts = (): PageGroupParts => ({
  settings: {
    form: eventForm(),
    maxValueBytes: 100_000,
    deadLetterClient: 'leave-out',
  },
  deadLetterGuard: deadLetterGuard(),
  observe: () => {},
})

/** Stores that the history of a stream has ended, so that only live scans are left. */
export async function withBackfillDone({ checkpoint }: Pick<OpenedStream, 'checkpoint'>): Promise<void> {
  const scans = statesOf({ lookBacks: [] })
  checkpoint.advance({ scans, nextEvent: 0, mapping, entries: '' })
  await checkpoint.save(never)
}

/** Opens a stream that nobody has paused. */
export async function openedStream(parts: OpenParts, stop: AbortSignal = never): Promise<OpenedStream> {
  const stream = await openStream(parts, stop)
  if (stream === 'paused') throw new Error('the stream is paused')
  return stream
}

export interface Stage {
  readonly kafka?: FaultHook
  readonly store?: MemoryStoreOptions['fault']
  readonly source?: ClientSource
  readonly endsWhen?: PipelineParts['readerParts']['endsWhen']
  readonly clock?: VirtualClock
  /** Of a page, in place. */
  readonly retries?: number
}

export const noRetries = { retries: 0, firstPauseMs: 500, maxPauseMs: 15_000, maxRetryAfterMs: 120_000 }

const noSource: ClientSource = { read: () => Promise.reject(new Error('no source in this test')) }

/** The fakes, and the parts under test that use them. */
export function stage(of: Stage = {}) {
  const { endsWhen = 'stopped', source = noSource } = of
  const clock = of.clock ?? virtualClock(noon)
  const events: PipelineEvent[] = []
  const observe = (event: PipelineEvent) => events.push(event)
  let producers = 0
  const kafka = fakeKafka({
    partitions: 6,
    clock,
    ...(of.kafka === undefined ? {} : { fault: of.kafka }),
  })
  const store = memoryStore(of.store === undefined ? {} : { fault: of.store })
  const giveUp = new AbortController()
  let nonces = 0
  const replica = 'replica-1'
  const newNonce = () => `${replica}-${++nonces}`
  const publisher = kafka.publisher({ connector, stream, replica })
  const opening: typeof publisher.open = async (...args) => {
    const producer = await publisher.open(...args)
    producers += 1
    const close = async () => {
      producers -= 1
      await producer.close()
    }
    return { ...producer, close }
  }
  const openParts: OpenParts = {
    storeReady: async () => {},
    openLimit: semaphore(Number.POSITIVE_INFINITY),
    object: store.object(KEY),
    wishes: streamWishes({ object: store.object(WISHES), newNonce, onResume: () => {} }, observe),
    publisher: { ...publisher, open: opening },
    identity: {
      connector,
      stream,
      source: { url: 'http://polaris.example/', codeMagasin: 1, prefixCle: null },
    },
    topic: 'client.modified',
    topicUse: 'exclusive',
    beginAt,
    settings: scanSettings,
    indexCache: streamIndex(store.segments(KEY)),
    owner: replica,
    clock,
    newNonce,
    observe,
  }
  const pipelineParts: PipelineParts = {
    readerParts: {
      source,
      retryPolicy: { ...noRetries, retries: of.retries ?? 0 },
      clock,
      serverClock: createServerClock(clock),
      livePageFailures: newPageFailures(),
      settings: scanSettings,
      beginAt,
      endsWhen,
      observe,
      configuredFields,
      rules,
      configuredPaths: configuredPaths(rules),
    },
    groupParts: { ...groupParts(), observe },
    clock,
    groupMaxValueBytes: 100_000,
    groupMaxDelayMs: 50,
    deliverWithinMs: 10_000,
    giveUp: giveUp.signal,
    savePeriodMs: 60_000,
  }
  const retry = { firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0, jitter: 1 }
  const pauses = { ...tryPauses, retry }
  const streamParts: AloneParts = { openParts, pipelineParts, clock, observe, pauses }
  const kinds = () => events.map(({ kind }) => kind)
  const states = () =>
    events.flatMap((event) =>
      event.kind === 'stream-state' && event.state !== event.previousState ? [event.state] : [],
    )
  /** Why the stream has failed, each with its code. */
  const failures = () =>
    events.flatMap((event) =>
      event.kind === 'stream-state' && event.failure !== undefined
        ? [{ state: event.state, code: codeOf(event.failure.error), ...event.failure }]
        : [],
    )
  /** The keys of what consumers have received. */
  const published = () => kafka.committed.map(({ key }) => key)
  const document = () => parseDocument(store.stored(KEY)?.text ?? '')
  /** Writes the wishes as an operator does. */
  const wish = (wishes: Partial<Wishes>) => {
    store.tamper(WISHES, wishesText({ ...noWishes, id: `wish ${++nonces}`, by: 'operator', at: noon, ...wishes }))
  }
  return {
    clock,
    kafka,
    store,
    events,
    kinds,
    states,
    failures,
    published,
    openParts,
    pipelineParts,
    streamParts,
    giveUp,
    document,
    wish,
    /** The number of those that are open. */
    producers: () => producers,
  }
}
