import { beginning } from '../../../connector/checkpoint/stream-state.ts'
import type { GroupParts } from '../../../connector/pipeline/group.ts'
import type { OpenParts } from '../../../connector/pipeline/open-stream.ts'
import type { PipelineParts } from '../../../connector/pipeline/pipeline.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import type { PollSettings } from '../../../connector/pipeline/polling.ts'
import type { StreamParts } from '../../../connector/pipeline/run-stream.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import { turns } from '../../../connector/runtime/turns.ts'
import type { ClientSource, SourceTime } from '../../../connector/source/client-source.ts'
import { fakeKafka } from '../../support/fake-event-publisher.ts'
import type { FaultHook } from '../../support/fake-kafka-cluster.ts'
import { type MemoryStoreOptions, memoryStore } from '../../support/memory-versioned-object.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'
import { noon } from './readings.ts'

/** One stream of one replica on fakes, to test with. */

export const KEY = 'shop/clients.json'
export const connector = 'shop'
export const stream = 'clients'
const timeZone = 'Europe/Paris'

export const pollSettings: PollSettings = {
  intervalMs: 5_000,
  overlapMs: 300_000,
  tail: 'overlap',
  onRefusedCheckPoint: 'read-again',
  maxEmptyPages: 100,
  limit: 2,
  output: 'json',
  timeZone,
}

export const groupParts: GroupParts = {
  settings: {
    source: '/polaris/shop/clients',
    timeZone,
    hashIgnore: new Set(),
    maxValueBytes: 100_000,
    deadLetterClient: 'leave-out',
  },
  fields: { clientId: 'No', modifiedAt: 'Modif' },
  deadLetterLimit: { maxShare: 0.1, minimum: 10, of: 1000 },
  windowCapacity: 1000,
  overlapMs: 300_000,
  observe: () => {},
}

/** Lets every promise that can go on go on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))

export interface Stage {
  readonly kafka?: FaultHook
  readonly store?: MemoryStoreOptions['fate']
  readonly source?: ClientSource
  readonly replica?: string
  readonly delivery?: PipelineParts['delivery']
  readonly until?: PipelineParts['until']
  readonly noteRetentionMs?: number
  readonly clock?: VirtualClock
}

const noSource: ClientSource = { read: () => Promise.reject(new Error('no source here')) }

/** The fakes, and the parts that work on them. */
export function stage(of: Stage = {}) {
  const { replica = 'replica-1', delivery = 'exactly-once', until = 'stopped', source = noSource } = of
  const clock = of.clock ?? virtualClock(noon)
  const events: PipelineEvent[] = []
  const observe = (event: PipelineEvent) => events.push(event)
  const kafka = fakeKafka({
    partitions: 6,
    clock,
    ...(of.kafka === undefined ? {} : { fault: of.kafka }),
    ...(of.noteRetentionMs === undefined ? {} : { noteRetentionMs: of.noteRetentionMs }),
  })
  const store = memoryStore(of.store === undefined ? {} : { fate: of.store })
  const giveUp = new AbortController()
  let nonces = 0
  const open: OpenParts = {
    storeReady: async () => {},
    openings: turns(Number.POSITIVE_INFINITY),
    object: store.object(KEY),
    publisher: kafka.publisher({ connector, stream, replica, delivery }),
    identity: { connector, stream, source: { url: 'http://polaris.example/', codeMagasin: 1, prefixCle: null } },
    beginAt: beginning({ lastChanged: '2026-06-15T11:00:00' as SourceTime, checkPoint: null, limit: 2, output: 'json' })
      .resume,
    owner: replica,
    offsetsRetentionMs: 7 * 86_400_000,
    windowCapacity: 1000,
    isAssigned: () => true,
    clock,
    newNonce: () => `${replica}-${++nonces}`,
    onWritten: () => {},
    observe,
  }
  const pipeline: PipelineParts = {
    reader: { source, clock, serverClock: createServerClock(clock, () => {}), settings: pollSettings, observe },
    group: { ...groupParts, observe },
    clock,
    delivery,
    groupMaxSize: 100_000,
    groupMaxDelayMs: 50,
    deliverWithinMs: 10_000,
    giveUp: giveUp.signal,
    savePeriodMs: 60_000,
    until,
  }
  const reopening = {
    retries: Number.POSITIVE_INFINITY,
    withinMs: Number.POSITIVE_INFINITY,
    firstPauseMs: 100,
    maxPauseMs: 2_000,
    maxRetryAfterMs: 0,
  }
  const streamParts: StreamParts = { open, pipeline, clock, observe, idleAfterMs: 0, reopening }
  const kinds = () => events.map(({ kind }) => kind)
  return { clock, kafka, store, events, kinds, open, pipeline, streamParts, giveUp }
}
