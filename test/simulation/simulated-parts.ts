import { beginning } from '../../connector/checkpoint/stream-state.ts'
import type { OpenParts } from '../../connector/pipeline/open-stream.ts'
import type { PipelineParts } from '../../connector/pipeline/pipeline.ts'
import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { StreamParts } from '../../connector/pipeline/run-stream.ts'
import { createServerClock } from '../../connector/pipeline/server-clock.ts'
import type { EventPublisher } from '../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../connector/publish/until-aborted.ts'
import type { ClientSource, SourceTime } from '../../connector/source/client-source.ts'
import type { VersionedObject } from '../../connector/storage/versioned-object.ts'
import type { MemoryFault } from '../support/memory-versioned-object.ts'
import type { Replica } from './simulated-replica.ts'
import { CONNECTOR, type SimulatedStream, ZONE } from './simulated-stream.ts'
import type { World } from './world.ts'

const LIMIT = 2
const beginAt = {
  lastChanged: '2000-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: LIMIT,
  output: 'json',
} as const

/** What one run of a stream is made of: the product's own parts on the fakes of the world. */
export function simulatedParts(
  world: World,
  replica: Replica,
  run: { stream: string; giveUp: AbortSignal },
): StreamParts {
  const stream = world.streams.find(({ name }) => name === run.stream)
  if (stream === undefined) throw new Error(`${run.stream} is no stream`)
  const { clock } = replica
  const observe: Observe = ({ kind }) => world.happened.add(kind)
  return {
    clock,
    observe,
    idleAfterMs: world.options.idleAfterMs,
    reopening: {
      retries: Number.POSITIVE_INFINITY,
      withinMs: Number.POSITIVE_INFINITY,
      firstPauseMs: 100,
      maxPauseMs: 2_000,
      maxRetryAfterMs: 0,
    },
    open: openParts(world, replica, { stream, observe }),
    pipeline: pipelineParts(world, replica, { stream, observe, giveUp: run.giveUp }),
  }
}

interface OfRun {
  readonly stream: SimulatedStream
  readonly observe: Observe
}

function openParts(world: World, replica: Replica, { stream, observe }: OfRun): OpenParts {
  const { name } = replica
  return {
    storeReady: async () => {},
    openings: replica.openings,
    object: storeOf(world, replica, stream),
    publisher: publisherOf(world, replica, stream),
    identity: {
      connector: CONNECTOR,
      stream: stream.name,
      source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
    },
    beginAt: beginning(beginAt).resume,
    owner: name,
    offsetsRetentionMs: 7 * 86_400_000,
    windowCapacity: 1000,
    isAssigned: () => replica.placement.isAssigned(stream.name),
    clock: replica.clock,
    newNonce: replica.newNonce,
    onWritten: () => {},
    observe,
  }
}

function pipelineParts(
  { options }: World,
  replica: Replica,
  { stream, observe, giveUp }: OfRun & { giveUp: AbortSignal },
): PipelineParts {
  const { clock } = replica
  const { tail, overlapMs, delivery, modificationTime } = options
  return {
    reader: {
      source: sourceOf(stream, replica),
      clock,
      serverClock: createServerClock(clock, () => {}),
      settings: {
        ...{ intervalMs: POLL_MS, overlapMs, tail, onRefusedCheckPoint: 'read-again', maxEmptyPages: 100 },
        ...{ limit: LIMIT, output: 'json', timeZone: ZONE },
      },
      observe,
    },
    group: {
      settings: {
        source: eventSource(stream.name),
        timeZone: ZONE,
        hashIgnore: new Set<string>(),
        maxValueBytes: 100_000,
        deadLetterClient: 'leave-out',
      },
      fields: { clientId: 'No', modifiedAt: modificationTime === 'shown' ? 'DateModification' : null },
      deadLetterLimit: { maxShare: 0.1, minimum: 10, of: 1000 },
      windowCapacity: 1000,
      overlapMs,
      observe,
    },
    ...{ clock, delivery, giveUp, groupMaxSize: 1_000, groupMaxDelayMs: 50, deliverWithinMs: 10_000 },
    ...{ savePeriodMs: 60_000, until: 'stopped' },
  }
}

export const POLL_MS = 5_000
export const eventSource = (stream: string) => `/polaris/${CONNECTOR}/${stream}`

/** As the real one, it hears a stop at once; what it asked is answered all the same. */
function sourceOf(stream: SimulatedStream, { name, life }: Replica): ClientSource {
  const source = stream.polaris.source(name)
  const never = new AbortController().signal
  return {
    read: async (at, stop) => {
      stop.throwIfAborted()
      const reading = source.read(at, never)
      const answer = reading.then(
        (page) => {
          stream.reads.push({ replica: name, at, page })
        },
        () => {
          stream.reads.push({ replica: name, at })
        },
      )
      const heard = answer.then(() => new Promise<void>((resolve) => life.whenRunning(resolve)))
      return await untilAborted(
        stop,
        heard.then(() => reading),
      )
    },
  }
}

/** Keeps what it is given to send. */
function publisherOf({ kafka, options }: World, replica: Replica, stream: SimulatedStream): EventPublisher {
  const { delivery } = options
  const publisher = kafka.publisher({ connector: CONNECTOR, stream: stream.name, replica: replica.name, delivery })
  return {
    open: async (stop) => {
      const session = await publisher.open(stop)
      const begin: typeof session.begin = (finish) => {
        const transaction = session.begin(finish)
        const send: typeof transaction.send = (records) => {
          stream.sent.push(...records)
          return transaction.send(records)
        }
        return { ...transaction, send }
      }
      return { ...session, begin }
    },
  }
}

/** The store as one replica reaches it: each call waits for the history; one that is given up on may still arrive. */
function storeOf(world: World, { name, life }: Replica, stream: SimulatedStream): VersionedObject {
  const object = world.store.object(stream.key)
  const { signal: never } = new AbortController()
  const call = <Answer>(operation: string, operate: () => Promise<Answer>, finish: AbortSignal): Promise<Answer> => {
    const answer = new Promise<Answer>((resolve, reject) => {
      const settle = (fate: MemoryFault) => {
        world.nextStoreCall.fate = fate
        operate().then(
          (value) => life.whenRunning(() => resolve(value)),
          (error) => life.whenRunning(() => reject(error)),
        )
      }
      world.wait({ replica: name, stream: stream.name, what: 'store', operation, settle })
    })
    return untilAborted(finish, answer)
  }
  return {
    read: (finish) => call('read', () => object.read(never), finish),
    write: (text, expected, finish) => call('write', () => object.write(text, expected, never), finish),
  }
}
