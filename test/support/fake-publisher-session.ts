import type {
  Destination,
  Fate,
  Note,
  OutgoingRecord,
  PublisherSession,
  PublisherTransaction,
} from '../../connector/publish/event-publisher.ts'
import { partitionBatches } from '../../connector/publish/outgoing-batches.ts'
import { partitionOf } from '../../connector/publish/partition.ts'
import { untilAborted } from '../../connector/publish/until-aborted.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import {
  abortOpen,
  type Cluster,
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

function readNote(stream: StreamOfReplica, stop: AbortSignal): Promise<Note | undefined> {
  const effect = () => stream.state.readable
  return untilAborted(stop, stream.request({ operation: 'note', effect, lost: lost('note', 'publish.unreachable') }))
}

interface Settling {
  readonly session: SessionState
  readonly epoch: number
  readonly fateOf: (value: string) => Fate
}

async function settle(stream: StreamOfReplica, settling: Settling, stop: AbortSignal): Promise<void> {
  const { state, request } = stream
  const { session, epoch, fateOf } = settling
  const effect = () => {
    if (epoch !== state.epoch) throw new ConnectorError('publish.fenced', 'fake: another session was opened')
    const having = (fate: Fate) => state.hanging.filter(({ to, value }) => to === 'events' && fateOf(value) === fate)
    const [decided, undecided] = [having('decided'), having('undecided')]
    if (decided.some((one) => undecided.some(({ partition }) => partition === one.partition)))
      throw new ConnectorError('publish.ends-lost', 'fake: both hang in one partition')
    if (decided.length + undecided.length === 0) return
    if (undecided.length > 0) takeHanging(state, undecided)
    else show(stream, epoch, takeHanging(state, decided))
    session.isOver = true
    throw new ConnectorError('publish.failed', 'fake: settled')
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
    settle: (fateOf, stop) => settle(stream, { session, epoch, fateOf }, stop),
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
  const decide = (note: Note) => {
    join()
    state.note = { value: note, at: cluster.options.clock.now() }
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
  const settle = async () => {}
  return { destination: session.destination, readNote: (stop) => readNote(stream, stop), settle, begin, close }
}
