import type {
  Destination,
  EventPublisher,
  Note,
  OutgoingRecord,
  PublisherSession,
  PublisherTransaction,
} from '../../connector/publish/event-publisher.ts'
import { partitionBatches } from '../../connector/publish/outgoing-batches.ts'
import { partitionOf } from '../../connector/publish/partition.ts'
import { untilAborted } from '../../connector/publish/until-aborted.ts'
import { assertNever } from '../../connector/runtime/assert-never.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'

export type FakeOperation = 'open' | 'note' | 'send' | 'commit' | 'abort'

/** `before`: nothing happened, error. `after`: it happened, the answer was lost. `late`: no answer, and it happens when `deliverLate` is called. */
export type FakeFault = 'none' | 'before' | 'after' | 'late'

/** Awaited before each operation takes effect, so a test decides the order of everything; the effect itself is one step. */
export type FaultHook = (operation: FakeOperation, stream: string, replica: string) => FakeFault | Promise<FakeFault>

export interface FakeKafkaOptions {
  readonly partitions: number
  readonly clock: Pick<Clock, 'now'>
  readonly fault?: FaultHook
  /** Notes older than this are forgotten, as `offsets.retention.minutes` has it. */
  readonly noteRetentionMs?: number
  readonly clusterId?: string
  readonly topic?: string
  readonly maxMessageBytes?: number
}

export interface FakeRecord extends OutgoingRecord {
  readonly partition: number
  readonly stream: string
  readonly replica: string
  /** Of the transaction that brought it; all records of a transaction appear at once. */
  readonly transaction: number
}

export interface FakeStream {
  readonly connector: string
  readonly stream: string
  readonly replica?: string
  readonly delivery?: 'exactly-once' | 'at-least-once'
}

/** One Kafka cluster in memory that many publishers (replicas) of many streams share. No timers, no chance. */
export interface FakeKafka {
  publisher(of: FakeStream): EventPublisher
  /** What a reader of committed records has seen until now, in order. */
  readonly committed: readonly FakeRecord[]
  /** The note that is decided, whether or not a session may read it already. */
  note(connector: string, stream: string): Note | undefined
  deleteNote(connector: string, stream: string): void
  /** Streams with a transaction that blocks the readers. */
  openTransactions(): readonly string[]
  /** How many operations wait to take effect late. */
  readonly lateCount: number
  /** Lets the late operation number `index` (0 = oldest) reach the broker now; what its session has lost meanwhile is refused. */
  deliverLate(index?: number): void
  /** From now on no operation of this replica's sessions settles; one that waits in the hook takes effect only as `after` or `late`. */
  crash(replica: string): void
  setPartitions(partitions: number): void
}

interface OpenTransaction {
  readonly records: FakeRecord[]
  readonly number: number
  isOver: boolean
}

interface StreamState {
  /** Every open raises it; a session with a lower one is fenced. */
  epoch: number
  open: OpenTransaction | undefined
  note: { readonly value: Note; readonly at: number } | undefined
  /** What `readNote` answers: the note as the last open made it final. A later commit of one's own need not be readable yet. */
  readable: Note | undefined
}

interface Cluster {
  readonly options: FakeKafkaOptions
  readonly streams: Map<string, StreamState>
  readonly committed: FakeRecord[]
  readonly late: (() => void)[]
  readonly crashed: Set<string>
  partitions: number
  transactions: number
}

export function fakeKafka(options: FakeKafkaOptions): FakeKafka {
  const cluster: Cluster = {
    options,
    streams: new Map(),
    committed: [],
    late: [],
    crashed: new Set(),
    partitions: options.partitions,
    transactions: 0,
  }
  return {
    publisher: (of) => fakePublisher(cluster, of),
    committed: cluster.committed,
    note: (connector, stream) => currentNote(cluster, stateOf(cluster, `${connector}.${stream}`)),
    deleteNote: (connector, stream) => {
      const state = stateOf(cluster, `${connector}.${stream}`)
      state.note = undefined
      state.readable = undefined
    },
    openTransactions: () => [...cluster.streams].filter(([, { open }]) => open !== undefined).map(([name]) => name),
    get lateCount() {
      return cluster.late.length
    },
    deliverLate: (index = 0) => cluster.late.splice(index, 1)[0]?.(),
    crash: (replica) => cluster.crashed.add(replica),
    setPartitions: (partitions) => {
      cluster.partitions = partitions
    },
  }
}

function stateOf(cluster: Cluster, name: string): StreamState {
  const known = cluster.streams.get(name)
  if (known !== undefined) return known
  const state = { epoch: 0, open: undefined, note: undefined, readable: undefined }
  cluster.streams.set(name, state)
  return state
}

function currentNote({ options }: Cluster, { note }: StreamState): Note | undefined {
  const isKept =
    note !== undefined && options.clock.now() - note.at <= (options.noteRetentionMs ?? Number.POSITIVE_INFINITY)
  return isKept ? note.value : undefined
}

interface Request<Answer> {
  readonly operation: FakeOperation
  readonly effect: () => Answer
  /** What the caller hears when the answer is lost. */
  readonly lost: ConnectorError
}

const failed = (operation: FakeOperation, code: 'publish.failed' | 'publish.outcome-unknown' | 'publish.unreachable') =>
  new ConnectorError(code, `fake: the answer to ${operation} was lost`)

function fakePublisher(cluster: Cluster, of: FakeStream): EventPublisher {
  const { replica = 'replica-1', delivery = 'exactly-once' } = of
  const name = `${of.connector}.${of.stream}`
  const state = stateOf(cluster, name)
  const isCrashed = () => cluster.crashed.has(replica)

  const request = async <Answer>({ operation, effect, lost }: Request<Answer>): Promise<Answer> => {
    if (isCrashed()) return await never()
    const fault = (await cluster.options.fault?.(operation, of.stream, replica)) ?? 'none'
    const crashedMeanwhile = isCrashed()
    if (fault === 'after') swallowErrors(effect)
    if (fault === 'late') cluster.late.push(() => swallowErrors(effect))
    if (crashedMeanwhile) return await never()
    switch (fault) {
      case 'none':
        return effect()
      case 'before':
        throw new ConnectorError('publish.failed', `fake: ${operation} did not reach the broker`)
      case 'after':
      case 'late':
        throw lost
      default:
        return assertNever(fault)
    }
  }
  const stream: StreamOfReplica = { cluster, state, name: of.stream, replica, request }
  const openTransactional = () => {
    state.epoch += 1
    if (state.open !== undefined) state.open.isOver = true
    state.open = undefined
    state.readable = currentNote(cluster, state)
    return transactionalSession(stream, state.epoch)
  }
  return {
    open: (stop) => {
      const effect = delivery === 'exactly-once' ? openTransactional : () => atLeastOnceSession(stream)
      return untilAborted(stop, request({ operation: 'open', effect, lost: failed('open', 'publish.unreachable') }))
    },
  }
}

interface StreamOfReplica {
  readonly cluster: Cluster
  readonly state: StreamState
  readonly name: string
  readonly replica: string
  readonly request: <Answer>(request: Request<Answer>) => Promise<Answer>
}

const never = () => new Promise<never>(() => undefined)

function swallowErrors(effect: () => unknown): void {
  try {
    effect()
  } catch {
    // the broker refuses, and nobody hears it
  }
}

function destinationOf({ options, partitions }: Cluster): Destination {
  return { clusterId: options.clusterId ?? 'fake-cluster', topic: options.topic ?? 'client.modified', partitions }
}

/** As the broker stores it; throws `publish.refused` for a record above the limit, by the connector's own rule. */
function stored(stream: StreamOfReplica, records: readonly OutgoingRecord[], partitions: number, transaction: number) {
  const layout = { topic: 'any', partitions }
  const maxMessageBytes = stream.cluster.options.maxMessageBytes ?? 1_000_000
  partitionBatches(records, { events: layout, deadLetters: layout, maxMessageBytes, publishedAt: 0 })
  return records.map((record) => ({
    ...record,
    partition: partitionOf(Buffer.from(record.key ?? record.value), partitions),
    stream: stream.name,
    replica: stream.replica,
    transaction,
  }))
}

interface SessionState {
  readonly destination: Destination
  isInTransaction: boolean
  isOver: boolean
}

function newSession(stream: StreamOfReplica): SessionState {
  return { destination: destinationOf(stream.cluster), isInTransaction: false, isOver: false }
}

function enterTransaction(session: SessionState): void {
  if (session.isOver) throw new ConnectorError('bug', 'begin a transaction: the session is over')
  if (session.isInTransaction) throw new ConnectorError('bug', 'begin a transaction: another one is open')
  session.isInTransaction = true
}

function transactionalSession(stream: StreamOfReplica, epoch: number): PublisherSession {
  const session = newSession(stream)
  const readNote = () =>
    stream.request({
      operation: 'note',
      effect: () => stream.state.readable,
      lost: failed('note', 'publish.unreachable'),
    })
  return {
    destination: session.destination,
    readNote: (stop) => untilAborted(stop, readNote()),
    begin: (finish) => {
      enterTransaction(session)
      return transaction(stream, { session, epoch }, finish)
    },
    close: async () => {
      session.isOver = true
    },
  }
}

function transaction(
  stream: StreamOfReplica,
  owner: { session: SessionState; epoch: number },
  finish: AbortSignal,
): PublisherTransaction {
  const { cluster, state, request } = stream
  const { session, epoch } = owner
  const own: OpenTransaction = { records: [], number: ++cluster.transactions, isOver: false }
  let sending: 'not yet' | 'now' | 'done' = 'not yet'
  let isBegun = false

  const join = () => {
    if (epoch !== state.epoch) throw new ConnectorError('publish.fenced', 'fake: another session was opened')
    if (!own.isOver) state.open ??= own
    if (state.open !== own) throw new ConnectorError('publish.fenced', 'fake: the transaction is over')
  }
  const step = async (operation: 'send' | 'commit', effect: () => void, lost: ConnectorError): Promise<void> => {
    if (session.isOver) throw new ConnectorError('publish.failed', `${operation}: the session is over`)
    if (finish.aborted)
      throw new ConnectorError('publish.failed', `${operation}: not done in time`, { cause: finish.reason })
    isBegun = true
    try {
      await untilAborted(finish, request({ operation, effect, lost }))
    } catch (error) {
      session.isOver = true
      throw error instanceof ConnectorError && error !== finish.reason ? error : lost
    }
  }
  const decide = (note: Note) => {
    join()
    cluster.committed.push(...own.records)
    state.note = { value: note, at: cluster.options.clock.now() }
    state.open = undefined
    own.isOver = true
  }
  const abort = () => {
    own.isOver = true
    if (state.open === own) state.open = undefined
  }
  return {
    send: async (records) => {
      if (sending !== 'not yet') throw new ConnectorError('bug', 'publish: sent twice in one transaction')
      sending = 'now'
      const append = () => {
        const appended = stored(stream, records, session.destination.partitions, own.number)
        join()
        own.records.push(...appended)
      }
      if (records.length > 0)
        await step('send', append, failed('send', 'publish.failed')).finally(() => (sending = 'done'))
      sending = 'done'
    },
    commit: async (note) => {
      if (sending === 'now') throw new ConnectorError('bug', 'commit: the events are still being sent')
      await step('commit', () => decide(note), failed('commit', 'publish.outcome-unknown'))
      session.isInTransaction = false
      isBegun = false
    },
    [Symbol.asyncDispose]: async () => {
      session.isInTransaction = false
      if (!isBegun) return
      session.isOver = true
      await request({ operation: 'abort', effect: abort, lost: failed('abort', 'publish.failed') }).catch(
        () => undefined,
      )
    },
  }
}

/** Records are there as soon as they are sent; no fencing, no note, and disposing takes nothing back. */
function atLeastOnceSession(stream: StreamOfReplica): PublisherSession {
  const { cluster, request } = stream
  const session = newSession(stream)
  const begin = (finish: AbortSignal): PublisherTransaction => {
    enterTransaction(session)
    const number = ++cluster.transactions
    let isSent = false
    return {
      send: async (records) => {
        if (session.isOver || finish.aborted) throw new ConnectorError('publish.failed', 'send: not done in time')
        const effect = () => {
          cluster.committed.push(...stored(stream, records, session.destination.partitions, number))
        }
        try {
          await untilAborted(finish, request({ operation: 'send', effect, lost: failed('send', 'publish.failed') }))
          isSent = true
        } catch (error) {
          session.isOver = true
          throw error instanceof ConnectorError ? error : failed('send', 'publish.failed')
        }
      },
      commit: async () => {
        if (!isSent) throw new ConnectorError('publish.failed', 'commit: the events are not all in the topic')
      },
      [Symbol.asyncDispose]: async () => {
        session.isInTransaction = false
      },
    }
  }
  const close = async () => {
    session.isOver = true
  }
  return { destination: session.destination, readNote: async () => undefined, begin, close }
}
