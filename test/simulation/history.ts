import { beginning } from '../../connector/checkpoint/stream-state.ts'
import type { PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'
import { runStream, type StreamEnd, type StreamParts } from '../../connector/pipeline/run-stream.ts'
import { createServerClock } from '../../connector/pipeline/server-clock.ts'
import { turns } from '../../connector/runtime/turns.ts'
import type { SourceTime } from '../../connector/source/client-source.ts'
import type { VersionedObject } from '../../connector/storage/versioned-object.ts'
import { type FakePolaris, fakePolaris, type SourceFault } from '../support/fake-client-source.ts'
import { type FakeFault, type FakeKafka, fakeKafka } from '../support/fake-event-publisher.ts'
import { type MemoryFault, memoryStore } from '../support/memory-versioned-object.ts'
import { virtualClock } from '../support/virtual-clock.ts'

/**
 * One history: the real pipeline of several replicas on fakes that share one Kafka, one store and one source. Every operation waits until
 * the history lets it happen: in any order, with any fault, and the replica may crash at each of them. A tape of numbers decides.
 */
export interface HistoryOptions {
  /** Each number is one decision; when they are used up, the history ends fairly: no more faults. */
  readonly tape: readonly number[]
  readonly replicas: number
  readonly modificationTime: 'shown' | 'hidden'
  readonly tail: 'overlap' | 'checkpoint'
  readonly delivery: 'exactly-once' | 'at-least-once'
  /** When a stream that published nothing closes its session; 0: never. */
  readonly idleAfterMs: number
  /** ms since 1970 */
  readonly startAt: number
}

export interface History {
  readonly kafka: FakeKafka
  readonly polaris: FakePolaris
  /** Every text that the checkpoint ever was, oldest first. */
  readonly checkpoints: readonly string[]
  /** How streams ended that should have gone on. */
  readonly stops: readonly StreamEnd[]
  readonly events: readonly PipelineEvent[]
}

const KEY = 'shop/clients.json'
const ZONE = 'Europe/Paris'
const CLIENTS = 6
const FAIR_STEPS = 5_000

type Fate = FakeFault & MemoryFault
interface Waiting {
  readonly replica: string
  readonly what: 'kafka' | 'store' | 'source'
  settle(fate: string): void
}

interface Replica {
  readonly name: string
  readonly stopping: AbortController
  isOver: boolean
  isCrashed: boolean
}

export async function runHistory(options: HistoryOptions): Promise<History> {
  const world = createWorld(options)
  for (const choice of options.tape) {
    await settle()
    act(world, choice)
  }
  await endFairly(world)
  const { kafka, polaris, stops, events, store } = world
  return { kafka, polaris, stops, events, checkpoints: store.history(KEY) }
}

type World = ReturnType<typeof createWorld>

function createWorld(options: HistoryOptions) {
  const clock = virtualClock(options.startAt)
  const waiting: Waiting[] = []
  const replicas: Replica[] = []
  const wait = <F extends string>(replica: string, what: Waiting['what']) =>
    new Promise<F>((resolve) => {
      if (replicas.some(({ name, isCrashed }) => name === replica && isCrashed)) return
      waiting.push({ replica, what, settle: (fate) => resolve(fate as F) })
    })
  const kafka = fakeKafka({
    partitions: 3,
    clock,
    fault: (_operation, _stream, replica) => wait<FakeFault>(replica, 'kafka'),
  })
  const polaris = fakePolaris({
    now: clock.now,
    timeZone: ZONE,
    modificationTime: options.modificationTime,
    fault: (_at, replica) => wait<SourceFault>(replica, 'source'),
  })
  for (let client = 0; client < CLIENTS; client += 1) polaris.change(`client-${client}`)
  const nextStoreCall = { fate: 'none' as MemoryFault }
  return {
    options,
    clock,
    waiting,
    kafka,
    polaris,
    nextStoreCall,
    store: memoryStore({ fate: () => nextStoreCall.fate }),
    replicas,
    started: 0,
    stops: [] as StreamEnd[],
    events: [] as PipelineEvent[],
  }
}

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** One decision of the tape. The more usual things have more numbers. */
function act(world: World, choice: number): void {
  const kind = choice % 20
  const detail = Math.floor(choice / 20)
  const pending = world.waiting.length
  if (kind < 9 && pending > 0) release(world, detail % pending, 'none')
  else if (kind < 11 && pending > 0) release(world, detail % pending, faultOf(detail))
  else if (kind < 14) tick(world)
  else if (kind < 16) change(world, detail)
  else if (kind === 16) crash(world, detail)
  else if (kind === 17) arriveLate(world, detail)
  else if (kind === 18) stopOne(world, detail)
  else startReplica(world)
}

function faultOf(detail: number): Exclude<Fate, 'none'> {
  return (['before', 'after', 'late'] as const)[detail % 3] ?? 'before'
}

function release({ waiting }: World, index: number, fate: Fate): void {
  const [operation] = waiting.splice(index, 1)
  if (operation === undefined) return
  operation.settle(
    operation.what === 'source' ? (fate === 'none' ? 'none' : fate === 'late' ? 'refuse' : 'fail') : fate,
  )
}

function tick({ clock }: World): void {
  if (clock.nextTimerAt() === undefined) clock.pass(1000)
  else clock.fireNext()
}

/** Every other change goes back to a content that the client had before. */
function change({ polaris }: World, detail: number): void {
  const id = `client-${detail % CLIENTS}`
  polaris.change(id, detail % 2 === 0 ? undefined : `v${1 + (detail % 3)}`)
}

function crash(world: World, detail: number): void {
  const running = world.replicas.filter((replica) => !replica.isOver && !replica.isCrashed)
  const replica = running[detail % Math.max(1, running.length)]
  if (replica === undefined) return
  replica.isCrashed = true
  world.kafka.crash(replica.name)
  for (let index = world.waiting.length - 1; index >= 0; index -= 1) {
    const operation = world.waiting[index]
    if (operation?.replica !== replica.name) continue
    // What was under way still happens, sooner or later, or never; nobody hears of it.
    world.waiting.splice(index, 1)
    if (operation.what !== 'source') operation.settle(faultOf(detail + index))
  }
}

function arriveLate({ kafka, store }: World, detail: number): void {
  if (detail % 2 === 0 && kafka.lateCount > 0) kafka.deliverLate(detail % kafka.lateCount)
  else store.late[detail % Math.max(1, store.late.length)]?.arrive()
}

function stopOne({ replicas }: World, detail: number): void {
  const running = replicas.filter((replica) => !replica.isOver && !replica.isCrashed)
  running[detail % Math.max(1, running.length)]?.stopping.abort(new DOMException('stop', 'AbortError'))
}

function startReplica(world: World): void {
  const running = world.replicas.filter((replica) => !replica.isOver && !replica.isCrashed)
  if (running.length >= world.options.replicas) return
  world.started += 1
  const replica: Replica = {
    name: `replica-${world.started}`,
    stopping: new AbortController(),
    isOver: false,
    isCrashed: false,
  }
  world.replicas.push(replica)
  void runStream(streamParts(world, replica), replica.stopping.signal).then((end) => {
    replica.isOver = true
    if (end.kind === 'failed' && !replica.isCrashed) world.stops.push(end)
  })
}

function streamParts(world: World, replica: Replica): StreamParts {
  const { clock, kafka, polaris, options } = world
  const observe = (event: PipelineEvent) => world.events.push(event)
  const settings = {
    intervalMs: 5_000,
    overlapMs: 300_000,
    tail: options.tail,
    onRefusedCheckPoint: 'read-again' as const,
    maxEmptyPages: 100,
    limit: 2,
    output: 'json' as const,
    timeZone: ZONE,
  }
  const parts = {
    clock,
    observe,
    idleAfterMs: options.idleAfterMs,
    reopening: {
      retries: Number.POSITIVE_INFINITY,
      withinMs: Number.POSITIVE_INFINITY,
      firstPauseMs: 100,
      maxPauseMs: 2_000,
      maxRetryAfterMs: 0,
    },
    open: {
      storeReady: async () => {},
      openings: turns(Number.POSITIVE_INFINITY),
      object: storeOf(world, replica),
      publisher: kafka.publisher({
        connector: 'shop',
        stream: 'clients',
        replica: replica.name,
        delivery: options.delivery,
      }),
      identity: {
        connector: 'shop',
        stream: 'clients',
        source: { url: 'http://polaris.example/core/api/', codeMagasin: 1, prefixCle: null },
      },
      beginAt: beginning({
        lastChanged: '2000-01-01T00:00:00' as SourceTime,
        checkPoint: null,
        limit: 2,
        output: 'json',
      }).resume,
      owner: replica.name,
      offsetsRetentionMs: 7 * 86_400_000,
      windowCapacity: 1000,
      isAssigned: () => true,
      clock,
      newNonce: nonces(replica.name),
      onWritten: () => {},
      observe,
    },
    pipeline: {
      reader: {
        source: polaris.source(replica.name),
        clock,
        serverClock: createServerClock(clock, () => {}),
        settings,
        observe,
      },
      group: {
        settings: {
          source: '/polaris/shop/clients',
          timeZone: ZONE,
          hashIgnore: new Set<string>(),
          maxValueBytes: 100_000,
          deadLetterClient: 'leave-out' as const,
        },
        fields: { clientId: 'No', modifiedAt: options.modificationTime === 'shown' ? 'DateModification' : null },
        deadLetterLimit: { maxShare: 0.1, minimum: 10, of: 1000 },
        windowCapacity: 1000,
        overlapMs: settings.overlapMs,
        observe,
      },
      clock,
      delivery: options.delivery,
      groupMaxSize: 1_000,
      groupMaxDelayMs: 50,
      deliverWithinMs: 10_000,
      giveUp: new AbortController().signal,
      savePeriodMs: 60_000,
      until: 'stopped' as const,
    },
  }
  return parts
}

function nonces(prefix: string): () => string {
  let count = 0
  return () => `${prefix}-${++count}`
}

/** The store as one replica reaches it: each call waits for the history; one that is given up on may still arrive. */
function storeOf(world: World, replica: Replica): VersionedObject {
  const object = world.store.object(KEY)
  const call = <Answer>(operate: () => Promise<Answer>, finish: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (replica.isCrashed) return
      const giveUp = () => reject(finish.reason)
      if (finish.aborted) giveUp()
      finish.addEventListener('abort', giveUp, { once: true })
      const settle = (fate: string) => {
        finish.removeEventListener('abort', giveUp)
        world.nextStoreCall.fate = fate as MemoryFault
        const answer = operate()
        if (replica.isCrashed) answer.catch(() => {})
        else answer.then(resolve, reject)
      }
      world.waiting.push({ replica: replica.name, what: 'store', settle })
    })
  const { signal: never } = new AbortController()
  return {
    read: (finish) => call(() => object.read(never), finish),
    write: (text, expected, finish) => call(() => object.write(text, expected, never), finish),
  }
}

/** From here on nothing fails: one replica at least runs, and everything waiting happens in order, until two minutes were quiet. */
async function endFairly(world: World): Promise<void> {
  const { clock, waiting, replicas } = world
  const quietAt = clock.now() + 180_000
  for (let step = 0; step < FAIR_STEPS; step += 1) {
    await settle()
    if (replicas.every((replica) => replica.isOver || replica.isCrashed || replica.stopping.signal.aborted))
      startReplica(world)
    if (waiting.length > 0) release(world, 0, 'none')
    else if (clock.now() > quietAt) break
    else tick(world)
  }
  for (const replica of replicas) replica.stopping.abort(new DOMException('stop', 'AbortError'))
}
