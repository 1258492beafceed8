import type { FoundNote, Note, OutgoingRecord } from '../../connector/publish/event-publisher.ts'
import { assertNever } from '../../connector/runtime/assert-never.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'

export type FakeOperation = 'open' | 'note' | 'look' | 'settle' | 'send' | 'commit' | 'abort'

/** `before`: nothing happened, error. `after`: it happened, the answer was lost. `late`: no answer, and it happens when `deliverLate` is called. */
export type FakeFault = 'none' | 'before' | 'after' | 'late'

/** Awaited before each operation takes effect, so a test decides the order of everything; the effect itself is one step. */
export type FaultHook = (operation: FakeOperation, stream: string, replica: string) => FakeFault | Promise<FakeFault>

export interface FakeKafkaOptions {
  readonly partitions: number
  readonly clock: Pick<Clock, 'now'>
  readonly fault?: FaultHook
  /** Awaited before each answer is heard, as by a replica that stands still. */
  readonly answer?: (replica: string) => Promise<void>
  /** `off`: a broken cluster, in which who was fenced goes on publishing. */
  readonly fencing?: 'on' | 'off'
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
  /** ms since 1970 */
  readonly at: number
  /** The epochs of the session that brought it, and of the newest session of the stream when it became visible; none at least once. */
  readonly epochs?: { readonly own: number; readonly newest: number }
}

export interface FakeStream {
  readonly connector: string
  readonly stream: string
  readonly replica?: string
  readonly delivery?: 'exactly-once' | 'at-least-once'
}

export interface OpenTransaction {
  readonly records: FakeRecord[]
  readonly number: number
  isOver: boolean
  /** Its note is stored, as one that has no end yet. */
  hasNote: boolean
}

export interface StreamState {
  /** Every open raises it; a session with a lower one is fenced. */
  epoch: number
  open: OpenTransaction | undefined
  /** Whether the transaction that ends next is left without its end. */
  losesNextEnd: boolean
  /** What such transactions hold: the next end in its partition is theirs too. */
  hanging: FakeRecord[]
  /** Whether the next transaction with a note ends without the end of the note. */
  losesNextNote: boolean
  /** The note without an end: the next end of a transaction with a note is its own, too. */
  unstableNote: Note | undefined
  note: { readonly value: Note; readonly at: number } | undefined
  /** What `readNote` answers: the note as the last open made it final. A later commit of one's own need not be readable yet. */
  readable: FoundNote
}

/** What the brokers of the fake know. */
export interface Cluster {
  readonly options: FakeKafkaOptions
  readonly streams: Map<string, StreamState>
  readonly committed: FakeRecord[]
  readonly late: (() => void)[]
  readonly crashed: Set<string>
  partitions: number
  transactions: number
}

export function stateOf(cluster: Cluster, name: string): StreamState {
  const known = cluster.streams.get(name)
  if (known !== undefined) return known
  const state = {
    ...{ epoch: 0, open: undefined, losesNextEnd: false, hanging: [], losesNextNote: false, unstableNote: undefined },
    ...{ note: undefined, readable: { note: undefined, isHanging: false } },
  }
  cluster.streams.set(name, state)
  return state
}

/** The transaction is over, and what it holds never shows; unless the cluster loses its end. */
export function abortOpen(state: StreamState): void {
  const { open } = state
  if (open === undefined) return
  open.isOver = true
  state.open = undefined
  endNote(state, open, () => undefined)
  if (!loseEnd(state, open.records)) takeHanging(state, open.records)
}

/** Whether the cluster loses the end of the transaction that holds these records. */
export function loseEnd(state: StreamState, records: readonly FakeRecord[]): boolean {
  if (!state.losesNextEnd || records.length === 0) return false
  state.hanging.push(...records)
  state.losesNextEnd = false
  return true
}

/** The end of a transaction with a note: `take` is given the note that is stored, unless the cluster loses this end. */
export function endNote(state: StreamState, { hasNote }: OpenTransaction, take: (note: Note) => void): void {
  if (!hasNote || state.unstableNote === undefined) return
  if (state.losesNextNote) {
    state.losesNextNote = false
    return
  }
  take(state.unstableNote)
  state.unstableNote = undefined
}

/** Takes out what hangs in the partitions of these records. */
export function takeHanging(state: StreamState, records: readonly FakeRecord[]): readonly FakeRecord[] {
  const isBeside = (one: FakeRecord) =>
    records.some(({ to, partition }) => to === one.to && partition === one.partition)
  const taken = state.hanging.filter(isBeside)
  state.hanging = state.hanging.filter((one) => !taken.includes(one))
  return taken
}

/** The note, unless it has expired. */
export function currentNote({ options }: Cluster, { note }: StreamState): Note | undefined {
  const isKept =
    note !== undefined && options.clock.now() - note.at <= (options.noteRetentionMs ?? Number.POSITIVE_INFINITY)
  return isKept ? note.value : undefined
}

/** One operation on its way to the broker. */
export interface Request<Answer> {
  readonly operation: FakeOperation
  readonly effect: () => Answer
  /** What the caller hears when the answer is lost. */
  readonly lost: ConnectorError
}

export const lost = (
  operation: FakeOperation,
  code: 'publish.failed' | 'publish.outcome-unknown' | 'publish.unreachable',
) => new ConnectorError(code, `fake: the answer to ${operation} was lost`)

/** A stream as one replica sees it; all its operations go through `request`, which asks the fault hook first. */
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
    answer.catch(() => undefined) // heard below
    await cluster.options.answer?.(replica)
    return await answer
  }
  return { cluster, state, name: of.stream, replica, request }
}

/** The effect happens at once. */
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
    // the broker refuses, and nobody hears it
  }
}
