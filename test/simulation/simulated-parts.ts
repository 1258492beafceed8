import { streamWishes } from '../../connector/checkpoint/wishes.ts'
import { eventSource, type OutgoingRecord } from '../../connector/event/client-event.ts'
import type { EventMode } from '../../connector/event/cloud-event/event-form.ts'
import { deadLetterGuard } from '../../connector/event/dead-letter.ts'
import { configuredPaths } from '../../connector/event/fields/configured-paths.ts'
import type { FieldTypes } from '../../connector/event/fields/field-types.ts'
import type { SegmentLimits } from '../../connector/index/segments.ts'
import { type StreamIndex, streamIndex } from '../../connector/index/stream-index.ts'
import type { PipelineParts } from '../../connector/pipeline/pipeline.ts'
import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import { newPageFailures } from '../../connector/pipeline/read/reader-parts.ts'
import { createServerClock } from '../../connector/pipeline/read/server-clock.ts'
import type { EventPublisher } from '../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../connector/runtime/abort.ts'
import type { ScanSettings } from '../../connector/scan/scan-settings.ts'
import type { ClientSource, Page, SourceTime } from '../../connector/source/client-source.ts'
import { wishesKey } from '../../connector/storage/checkpoint-store-config.ts'
import type { OpenParts } from '../../connector/stream/open-stream.ts'
import type { StreamComposition, StreamParts } from '../../connector/stream/run-stream.ts'
import { type TryPauses, tryPauses } from '../../connector/stream/stream-tries.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import { eventForm, textOf } from '../support/records.ts'
import { never } from '../support/signals.ts'
import { type Actor, storeReady } from './actor.ts'
import { numberOf } from './evidence.ts'
import type { HistoryOptions } from './history.ts'
import { POLL_MS } from './simulated-poll.ts'
import type { Replica } from './simulated-replica.ts'
import { segmentsOf } from './simulated-segments.ts'
import { storeOf } from './simulated-store.ts'
import { CONNECTOR, type Read, type SentRecord, type SimulatedStream, ZONE } from './simulated-stream.ts'
import type { World } from './world.ts'

export const beginAt = '2000-01-01T00:00:00' as SourceTime
const lookBacks = [
  { reachMs: 60_000, everyMs: 20_000 },
  { reachMs: 300_000, everyMs: 60_000 },
]
export const LONGEST_REACH_MS = 300_000
/** Small, so that a few events make several segments. */
const limits: SegmentLimits = {
  deltaEntries: 2,
  fanOut: 3,
  objectEntries: 3,
}

/** Longer than in the connector, so that histories have other operations too. */
export const LOOK_EVERY_MS = 20_000

/** The parts of one stream run: the connector's own code on the fakes of the world. */
export function simulatedParts(
  world: World,
  replica: Replica,
  run: { readonly stream: SimulatedStream } & StreamComposition,
): StreamParts {
  const { stream, giveUp, observe } = run
  return {
    openParts: openParts(world, replica, { stream, observe }),
    pipelineParts: pipelineParts(world, replica, { stream, observe, giveUp }),
  }
}

/** Tries sooner than the connector does. */
export const pauses: TryPauses = {
  ...tryPauses,
  retry: { firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0, jitter: 1 },
  hold: { firstPauseMs: 5_000, maxPauseMs: 40_000, maxRetryAfterMs: 0, jitter: 0 },
}

interface OfRun {
  readonly stream: SimulatedStream
  readonly observe: Observe
}

function openParts(world: World, replica: Actor, { stream, observe }: OfRun): OpenParts {
  const { name } = replica
  return {
    storeReady: storeReady(replica),
    openLimit: replica.openings,
    object: storeOf(world, replica, { stream: stream.name, key: stream.key }),
    wishes: streamWishes(
      {
        object: storeOf(world, replica, { stream: stream.name, key: wishesKey(stream.key) }),
        newNonce: replica.newNonce,
        onResume: () => {},
      },
      observe,
    ),
    publisher: publisherOf(world, replica, stream),
    identity: {
      connector: CONNECTOR,
      stream: stream.name,
      source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
    },
    topic: 'client.modified',
    topicUse: 'shared',
    beginAt,
    settings: scanSettings(world.options),
    indexCache: indexOf(world, replica, stream),
    owner: name,
    clock: replica.clock,
    newNonce: replica.newNonce,
    observe,
  }
}

/** A stream that moves to another replica may change its mode. */
const modeOf = ({ options }: World, { name }: Actor): EventMode =>
  options.eventMode === 'mixed' && /[1256]$/.test(name) ? 'binary' : 'structured'

/** Some replicas have other settings, which publish clients otherwise. */
const typesOf = ({ name }: Actor): FieldTypes | undefined =>
  /[369]$/.test(name) ? undefined : new Map([['solde', 'decimal']])

/** In the memory of the replica. */
function indexOf(world: World, replica: Actor, stream: SimulatedStream): StreamIndex {
  const { indexes } = replica
  const segments = segmentsOf(world, replica, stream)
  const store = world.defects.segments?.(segments) ?? segments
  const index = indexes.get(stream.name) ?? streamIndex(store, limits)
  indexes.set(stream.name, index)
  return index
}

function scanSettings({ limit, overlapMs, backfill, fullScanEveryMs }: HistoryOptions): ScanSettings {
  return {
    intervalMs: POLL_MS,
    overlapMs,
    lookBacks,
    backfill,
    fullScan: fullScanEveryMs === 0 ? undefined : { everyMs: fullScanEveryMs },
    limit,
    output: 'xml',
    timeZone: ZONE,
  }
}

function pipelineParts(
  world: World,
  replica: Replica,
  { stream, observe, giveUp }: OfRun & { giveUp: AbortSignal },
): PipelineParts {
  const { options } = world
  const { clock } = replica
  const { modificationTime } = options
  const settings = scanSettings(options)
  const types = typesOf(replica)
  const rules = { timeZone: ZONE, ignored: new Set<string>(), lists: [], fields: undefined, types }
  return {
    readerParts: {
      source: sourceOf(world, stream, replica),
      retryPolicy: readRetries,
      clock,
      serverClock: createServerClock(clock),
      livePageFailures: newPageFailures(),
      settings,
      beginAt,
      endsWhen: 'stopped',
      observe,
      configuredFields: {
        clientId: 'No',
        modifiedAt: modificationTime === 'hidden' ? null : 'DateModification',
        clients: null,
        lists: [],
      },
      rules,
      configuredPaths: configuredPaths(rules),
    },
    groupParts: {
      settings: {
        form: eventForm({ mode: modeOf(world, replica), source: eventSource(CONNECTOR, stream.name) }),
        maxValueBytes: 100_000,
        deadLetterClient: 'leave-out',
      },
      deadLetterGuard: deadLetterGuard(),
      observe,
    },
    clock,
    giveUp,
    groupMaxValueBytes: 1_000,
    groupMaxDelayMs: 50,
    deliverWithinMs: 10_000,
    savePeriodMs: 60_000,
  }
}

const readRetries = { retries: Number.POSITIVE_INFINITY, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0 }

/** Like the real source, it stops waiting as soon as `stop` aborts; the request is answered nevertheless. */
function sourceOf({ kafka }: World, stream: SimulatedStream, { name, process, clock }: Replica): ClientSource {
  const source = stream.polaris.source(name)
  return {
    read: async (at, stop) => {
      stop.throwIfAborted()
      const startedAt = clock.monotonic()
      const recordsBefore = kafka.committed.length
      const reading = source.read(at, never)
      const record = (page?: Page) =>
        void stream.reads.push({
          replica: name,
          at: at as Read['at'],
          recordsBefore,
          changesBefore: stream.polaris.changes.length,
          claim: /"claim":\{"epoch":\d+/.exec(stream.documents.at(-1)?.text ?? '')?.[0] ?? '',
          ...(page && { page: { ...page, clients: [...page.clients] } }),
        })
      const recorded = reading.then(record, () => record())
      const received = recorded.then(() => new Promise<void>((resolve) => process.whenRunning(resolve)))
      return await untilAborted(
        stop,
        received.then(async () => ({ ...(await reading), tookMs: clock.monotonic() - startedAt })),
      )
    },
  }
}

/** The first event of each client in a transaction. Its sender may not have seen newer records yet: it is fenced. */
function sentRecords(
  records: readonly OutgoingRecord[],
  { stream, visible }: { readonly stream: SimulatedStream; readonly visible: readonly FakeRecord[] },
): SentRecord[] {
  const events = records.filter(({ target }) => target === 'events').map(textOf)
  const [begins] = events
  const isKnown = (one: FakeRecord) =>
    one.stream === stream.name &&
    (one.target === 'deadLetters' || (begins !== undefined && numberOf(one) < numberOf(begins)))
  const first = new Map(events.toReversed().map((record) => [record.key, record]))
  const known = visible.map((one) => (isKnown(one) ? one.key : undefined))
  return [...first].map(([key, record]) => ({ record, after: known.lastIndexOf(key) }))
}

/** Records what is sent. */
function publisherOf({ kafka }: World, replica: Actor, stream: SimulatedStream): EventPublisher {
  const publisher = kafka.publisher({ connector: CONNECTOR, stream: stream.name, replica: replica.name })
  return {
    ...publisher,
    open: async (options, stop) => {
      const producer = await publisher.open(options, stop)
      const begin: typeof producer.begin = (finish) => {
        const transaction = producer.begin(finish)
        const send: typeof transaction.send = (records) => {
          stream.sent.push(...sentRecords(records, { stream, visible: kafka.committed }))
          return transaction.send(records)
        }
        return { ...transaction, send }
      }
      return { ...producer, begin }
    },
  }
}
