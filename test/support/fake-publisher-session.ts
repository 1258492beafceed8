import type {
  Destination,
  Fate,
  FoundNote,
  LookBack,
  Note,
  OutgoingRecord,
  PublisherSession,
  PublisherTransaction,
  Settlement,
  Sightings,
} from '../../connector/publish/event-publisher.ts'
import { partitionBatches } from '../../connector/publish/outgoing-batches.ts'
import { partitionOf } from '../../connector/publish/partition.ts'
import { untilAborted } from '../../connector/publish/until-aborted.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import {
  abortOpen,
  type Cluster,
  endNote,
  type FakeRecord,
  loseEnd,
  lost,
  type OpenTransaction,
  type StreamOfReplica,
  takeHanging,
} from './fake-kafka-cluster.ts'

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
    at: stream.cluster.options.clock.now(),
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

function readNote(stream: StreamOfReplica, stop: AbortSignal): Promise<FoundNote> {
  const effect = () => stream.state.readable
  return untilAborted(stop, stream.request({ operation: 'note', effect, lost: lost('note', 'publish.unreachable') }))
}

async function lookBack(stream: StreamOfReplica, of: LookBack, stop: AbortSignal): Promise<Sightings> {
  const { cluster, state, name, request } = stream
  const effect = () => {
    const marks = (records: readonly FakeRecord[], how: 'visible' | 'hanging') =>
      records
        .filter((record) => record.stream === name && record.to === 'events' && record.at >= of.since)
        .flatMap(({ value }) => of.markOf(value) ?? [])
        .map((mark) => [mark, how] as const)
    return new Map([...marks(state.hanging, 'hanging'), ...marks(cluster.committed, 'visible')])
  }
  return await untilAborted(stop, request({ operation: 'look', effect, lost: lost('look', 'publish.unreachable') }))
}

interface Settling extends Settlement {
  readonly session: SessionState
  readonly epoch: number
}

async function settle(stream: StreamOfReplica, settling: Settling, stop: AbortSignal): Promise<void> {
  const { cluster, state, request } = stream
  const { session, epoch, fateOf, note } = settling
  const over = (what: string) => {
    session.isOver = true
    return new ConnectorError('publish.failed', what)
  }
  const effect = () => {
    if (epoch !== state.epoch) throw new ConnectorError('publish.fenced', 'fake: another session was opened')
    if (note !== undefined) {
      if (note !== null) state.note = { value: note, at: cluster.options.clock.now() }
      state.unstableNote = undefined
      throw over('fake: the note is as it should be')
    }
    const having = (fate: Fate) => state.hanging.filter(({ to, value }) => to === 'events' && fateOf(value) === fate)
    const [decided, undecided] = [having('decided'), having('undecided')]
    if (decided.some((one) => undecided.some(({ partition }) => partition === one.partition)))
      throw new ConnectorError('publish.ends-lost', 'fake: both hang in one partition')
    if (decided.length + undecided.length === 0) return
    if (undecided.length > 0) takeHanging(state, undecided)
    else show(stream, epoch, takeHanging(state, decided))
    throw over('fake: settled')
  }
  await untilAborted(stop, request({ operation: 'settle', effect, lost: lost('settle', 'publish.unreachable') }))
}

function show({ cluster, state }: StreamOfReplica, epoch: number, records: readonly FakeRecord[]): void {
  const epochs = { own: epoch, newest: state.epoch }
  cluster.committed.push(...records.map((record) => ({ ...record, epochs })))
}

export function transactionalSession(stream: StreamOfReplica, epoch: number): PublisherSession {
  const session = newSession(stream)
  return {
    destination: session.destination,
    readNote: (stop) => readNote(stream, stop),
    lookBack: (of, stop) => lookBack(stream, of, stop),
    settle: (settlement, stop) => settle(stream, { ...settlement, session, epoch }, stop),
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
  const own: OpenTransaction = { records: [], number: ++cluster.transactions, isOver: false, hasNote: false }
  let sending: 'not yet' | 'now' | 'done' = 'not yet'
  let mustAbort = false

  const join = () => {
    if (cluster.options.fencing === 'off') return
    if (epoch !== state.epoch) throw new ConnectorError('publish.fenced', 'fake: another session was opened')
    if (!own.isOver) state.open ??= own
    if (state.open !== own) throw new ConnectorError('publish.fenced', 'fake: the transaction is over')
  }
  const step = async (operation: 'send' | 'commit', effect: () => void, unheard: ConnectorError): Promise<void> => {
    if (session.isOver) throw new ConnectorError('publish.failed', `${operation}: the session is over`)
    if (finish.aborted) session.isOver = true
    if (finish.aborted)
      throw new ConnectorError('publish.failed', `${operation}: not done in time`, { cause: finish.reason })
    mustAbort = true
    try {
      await untilAborted(finish, request({ operation, effect, lost: unheard }))
    } catch (error) {
      session.isOver = true
      const known = error instanceof ConnectorError && error !== finish.reason ? error : unheard
      // As the real one: the end that may be on its way is not followed by an abort.
      if (known.code === 'publish.outcome-unknown') mustAbort = false
      throw known
    }
  }
  /** Stored in the transaction before its end is asked for, unless somebody has taken over. */
  const sendNote = (note: Note) => {
    if (cluster.options.fencing !== 'off' && (epoch !== state.epoch || own.isOver)) return
    state.open ??= own
    own.hasNote = true
    state.unstableNote = note
  }
  const decide = (note: Note) => {
    join()
    sendNote(note)
    endNote(state, own, (value) => {
      state.note = { value, at: cluster.options.clock.now() }
    })
    state.open = undefined
    own.isOver = true
    // Whatever made the brokers lose the end keeps them from answering, too.
    if (loseEnd(state, own.records)) throw lost('commit', 'publish.outcome-unknown')
    show(stream, epoch, [...takeHanging(state, own.records), ...own.records])
  }
  const abort = () => {
    own.isOver = true
    if (state.open === own) abortOpen(state)
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
        await step('send', append, lost('send', 'publish.failed')).finally(() => (sending = 'done'))
      sending = 'done'
    },
    commit: async (note) => {
      if (sending === 'now') throw new ConnectorError('bug', 'commit: the events are still being sent')
      sendNote(note)
      await step('commit', () => decide(note), lost('commit', 'publish.outcome-unknown'))
      session.isInTransaction = false
      mustAbort = false
    },
    [Symbol.asyncDispose]: async () => {
      session.isInTransaction = false
      if (!mustAbort) return
      session.isOver = true
      await request({ operation: 'abort', effect: abort, lost: lost('abort', 'publish.failed') }).catch(() => undefined)
    },
  }
}

/** Records are there as soon as they are sent; no fencing, no note of its own, and disposing takes nothing back. */
export function atLeastOnceSession(stream: StreamOfReplica): PublisherSession {
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
          await untilAborted(finish, request({ operation: 'send', effect, lost: lost('send', 'publish.failed') }))
          isSent = true
        } catch (error) {
          session.isOver = true
          throw error instanceof ConnectorError ? error : lost('send', 'publish.failed')
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
  return {
    destination: session.destination,
    readNote: (stop) => readNote(stream, stop),
    lookBack: async () => new Map(),
    settle: async () => {},
    begin,
    close,
  }
}
