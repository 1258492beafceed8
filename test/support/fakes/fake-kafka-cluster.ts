import type { CommitRecord, FoundRecord } from '../../../connector/publish/event-publisher.ts'
import type { Clock } from '../../../connector/runtime/clock.ts'
import { assertNever } from '../../../connector/runtime/compiler-checks.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { TextRecord } from '../records.ts'

export type FakeOperation = 'open' | 'inspect' | 'state' | 'repair' | 'send' | 'commit' | 'abort' | 'last look'

/**
 * `before`: an error, without effect. `after`: it takes effect, but the response is lost. `late`: the response is lost,
 * and it takes effect when `deliverLate` is called.
 */
export type FakeFault = 'none' | 'before' | 'after' | 'late'

/** Awaited before each operation takes effect, so that a test controls the order; the effect itself is atomic. */
export type FaultHook = (operation: FakeOperation, stream: string, replica: string) => FakeFault | Promise<FakeFault>

export interface FakeKafkaOptions {
  readonly partitions: number
  readonly clock: Pick<Clock, 'now'>
  readonly fault?: FaultHook
  /** Awaited before the replica receives each response; simulates a replica that is paused. */
  readonly answer?: (replica: string) => Promise<void>
  /** `off`: a broken cluster, in which a fenced producer can still publish. */
  readonly fencing?: 'on' | 'off'
  /** Commit records older than this expire, as with `offsets.retention.minutes`. */
  readonly recordRetentionMs?: number
  readonly maxMessageBytes?: number
}

export type FakeRecord = TextRecord & RecordPlace

interface RecordPlace {
  readonly partition: number
  readonly stream: string
  readonly replica: string
  /** Number of its transaction; all records of a transaction become visible at once. */
  readonly transaction: number
  /** ms since 1970 */
  readonly at: number
  /** Epochs of its producer, and of the newest one when the record became visible. */
  readonly epochs?: { readonly own: number; readonly newest: number }
}

export interface FakeStream {
  readonly connector: string
  readonly stream: string
  readonly replica?: string
}

export interface OpenTransaction {
  readonly records: FakeRecord[]
  readonly number: number
  isOver: boolean
  /** Whether its commit record is stored; the marker is still missing. */
  hasRecord: boolean
}

/** A record without a marker in its partition; the producer's next marker there applies to it too. */
type HangingRecord = FakeRecord & { readonly producerId: string }

export interface StreamState {
  /** Incremented by every opening; a producer with a lower epoch is fenced. */
  epoch: number
  /** The producer id of the transactional id; changes when it expires. */
  producerId: string
  open: OpenTransaction | undefined
  /** Whether the next transaction to end gets no marker in one of its partitions. */
  losesNextMarker: boolean
  hanging: HangingRecord[]
  /** Whether the next commit record gets no marker. */
  losesNextRecordMarker: boolean
  /** The commit record without a marker. The next marker applies to it too. */
  unstable: CommitRecord | undefined
  record: { readonly value: CommitRecord; readonly at: number } | undefined
  /** What a producer reads: the commit record at its opening. Its own later commits may not be readable yet. */
  readable: FoundRecord
}

/** The state of the fake brokers. */
export interface Cluster {
  readonly options: FakeKafkaOptions
  readonly streams: Map<string, StreamState>
  readonly committed: FakeRecord[]
  readonly late: (() => void)[]
  readonly crashed: Set<string>
  partitions: number
  /** Id of the events topic; undefined when it does not exist. */
  topicId: string | undefined
  topics: number
  transactions: number
  /** Whether a record was ever stored in the events topic by a stream, also in a transaction that was aborted. */
  readonly written: Set<string>
}

export function stateOf(cluster: Cluster, name: string): StreamState {
  const known = cluster.streams.get(name)
  if (known !== undefined) return known
  const state: StreamState = {
    epoch: 0,
    producerId: `${name} 1`,
    open: undefined,
    losesNextMarker: false,
    hanging: [],
    losesNextRecordMarker: false,
    unstable: undefined,
    record: undefined,
    readable: { kind: 'none' },
  }
  cluster.streams.set(name, state)
  return state
}

/** Aborts the open transaction. Its records never become visible, except in a partition whose abort marker is lost. */
export function abortOpen(state: StreamState): void {
  const { open } = state
  if (open === undefined) return
  open.isOver = true
  state.open = undefined
  markRecord(state, open, () => undefined)
  applyMarkers(state, open.records)
}

/**
 * Writes the markers of a transaction with these records. Returns the records that
 * the markers apply to, including those of earlier transactions whose markers were
 * lost. If a marker is lost, the records in its partition become hanging.
 */
export function applyMarkers(state: StreamState, records: readonly FakeRecord[]): readonly FakeRecord[] {
  const [first] = records
  const isLost = (one: FakeRecord) => first !== undefined && isBeside(one, first)
  const marked = state.losesNextMarker ? records.filter((one) => !isLost(one)) : records
  const before = state.hanging.filter(
    (one) => one.producerId === state.producerId && marked.some((other) => isBeside(one, other)),
  )
  state.hanging = state.hanging.filter((one) => !before.includes(one))
  if (marked.length < records.length) {
    state.losesNextMarker = false
    state.hanging.push(...records.filter(isLost).map((one) => ({ ...one, producerId: state.producerId })))
  }
  return [...before, ...marked]
}

const isBeside = (left: FakeRecord, right: FakeRecord) =>
  left.target === right.target && left.partition === right.partition

/** Writes the marker of a commit record and passes the stored record to `apply`, unless the marker is lost. */
export function markRecord(
  state: StreamState,
  { hasRecord }: Pick<OpenTransaction, 'hasRecord'>,
  apply: (record: CommitRecord) => void,
): void {
  if (!hasRecord || state.unstable === undefined) return
  if (state.losesNextRecordMarker) {
    state.losesNextRecordMarker = false
    return
  }
  apply(state.unstable)
  state.unstable = undefined
}

/** The commit record as a group coordinator answers. */
export function foundRecord(cluster: Cluster, state: StreamState): FoundRecord {
  if (state.unstable !== undefined) return { kind: 'unstable' }
  const record = currentRecord(cluster, state)
  return record === undefined ? { kind: 'none' } : { kind: 'record', record }
}

/** The commit record, unless it has expired. */
export function currentRecord({ options }: Cluster, { record }: StreamState): CommitRecord | undefined {
  const isKept =
    record !== undefined && options.clock.now() - record.at <= (options.recordRetentionMs ?? Number.POSITIVE_INFINITY)
  return isKept ? record.value : undefined
}

/** One request to the broker. */
interface Request<Answer> {
  readonly operation: FakeOperation
  readonly effect: () => Answer
  /** The error that the caller receives when the response is lost. */
  readonly lost: ConnectorError
}

export const lost = (operation: FakeOperation, code: 'publish.failed' | 'publish.outcome-unknown') =>
  new ConnectorError(code, `fake: the response to ${operation} was lost`)

/** A stream as one replica sees it. All its operations go through `request`, which calls the fault hook first. */
export interface StreamOfReplica {
  readonly cluster: Cluster
  readonly state: StreamState
  readonly name: string
  readonly replica: string
  readonly request: <Answer>(request: Request<Answer>) => Promise<Answer>
}

export function streamOfReplica(cluster: Cluster, of: FakeStream): StreamOfReplica {
  const { replica = 'replica-1' } = of
  const state = stateOf(cluster, `${of.connector}.${of.stream}`)
  const isCrashed = () => cluster.crashed.has(replica)

  const request = async <Answer>({ operation, effect, lost }: Request<Answer>): Promise<Answer> => {
    if (isCrashed()) return await never()
    const fault = (await cluster.options.fault?.(operation, of.stream, replica)) ?? 'none'
    const crashedMeanwhile = isCrashed()
    if (fault === 'after') swallowErrors(effect)
    if (fault === 'late') cluster.late.push(() => swallowErrors(effect))
    if (crashedMeanwhile) return await never()
    const answer = respond(fault, operation, { effect, lost })
    answer.catch(() => undefined) // awaited below
    await cluster.options.answer?.(replica)
    return await answer
  }
  return { cluster, state, name: of.stream, replica, request }
}

/** Applies the effect synchronously. */
async function respond<Answer>(
  fault: FakeFault,
  operation: FakeOperation,
  { effect, lost }: Pick<Request<Answer>, 'effect' | 'lost'>,
): Promise<Answer> {
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

const never = () => new Promise<never>(() => undefined)

function swallowErrors(effect: () => unknown): void {
  try {
    effect()
  } catch {
    // the broker rejects the request, but the response is lost
  }
}
