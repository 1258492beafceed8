import type { ClientTable } from '../index/client-table.ts'
import { entryWordsOf, keyOfHashed, UNKNOWN_CONTENT, withUnknownContents } from '../index/index-entry.ts'
import { deltaText, deltaWords, emptyIndex, withEntries } from '../index/index-state.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { newScansFrom, rewoundScan } from '../scan/begin-scan.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import {
  HISTORY,
  type HistoryState,
  type Republication,
  type ScanStates,
  scanNamed,
  withScan,
} from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import { type CheckpointDocument, type CommittedState, newStreamState } from './checkpoint-document.ts'
import { nextEventOf } from './valid-state.ts'
import type { Rewind } from './wishes.ts'

/** What a rewind makes of a stream. All are pure. */

/** Of the opening that applies it. */
interface RewindParts {
  /** The configured beginning of the stream. */
  readonly beginAt: SourceTime
  readonly settings: ScanSettings
  /** In ms since 1970. */
  readonly now: number
  /** The index of the state. */
  readonly table: ClientTable
}

/** The state with its history to be read again. The index stays: what it knows is published only if it is asked for. */
export function stateReadingHistoryAgain(state: CommittedState, rewind: Rewind, applied: RewindParts): CommittedState {
  const { clients, republish } = rewind
  const { index } = state
  const isOfSome = republish && clients !== undefined
  return {
    ...state,
    scans: scansReadingHistoryAgain(state, rewind, applied),
    index: isOfSome ? withEntries(index, entriesOfUnknownContent(clients, applied.table)) : index,
  }
}

/** A rewind never skips: a history that has not ended continues, and keeps its beginning unless the rewind is earlier. */
function scansReadingHistoryAgain(
  state: CommittedState,
  rewind: Rewind,
  { beginAt, settings, now }: RewindParts,
): ScanStates {
  const { scans } = state
  const { history } = scans
  const scan = scanNamed(scans, HISTORY)
  const to = rewind.to ?? beginAt
  const from = scan?.from ?? history.from ?? beginAt
  const again: HistoryState = {
    ...history,
    state: history.state === 'first' ? 'first' : 'again',
    from: history.state === 'done' || to < from ? to : from,
    republished: rewind.republish ? republicationOf(rewind, state) : history.republished,
  }
  const states = { ...scans, history: again }
  const times = { ours: now, server: now }
  return scan === undefined ? states : withScan(states, rewoundScan(scan, to, { settings, times }))
}

/** One for some clients does not end one for all: what that has not reached is still published again. */
function republicationOf({ id, clients }: Rewind, { scans, nextEvent }: CommittedState): Republication {
  const { before = 0, isIndexNew = false } = scans.history.republished ?? {}
  return { id, before: clients === undefined ? nextEvent : before, isIndexNew }
}

/** The entries of these clients, as far as there are any, with unknown contents. */
function entriesOfUnknownContent(clients: readonly string[], table: ClientTable): string {
  const entries = clients.flatMap((hashed) => {
    const key = keyOfHashed(hashed)
    const entry = table.get(key)
    return entry === undefined ? [] : [[key, { ...entry, content: UNKNOWN_CONTENT }] as const]
  })
  return deltaText(entryWordsOf(entries))
}

/**
 * Whether the rewind cures the hold. `seen`: see `documentIdOf`. A `yes` is for one document only; what may be lost needs
 * `republish`. One for some clients cures nothing.
 */
export function cures({ yes, republish, clients }: Rewind, code: ErrorCode, seen: string): boolean {
  if (yes !== seen || clients !== undefined) return false
  return code === 'checkpoint.undecided' || (republish && codesCuredByRepublish.has(code))
}

const codesCuredByRepublish: ReadonlySet<ErrorCode> = new Set([
  'checkpoint.damaged',
  'checkpoint.topic-in-use',
  'checkpoint.topic-lost',
  'checkpoint.events-lost',
  'checkpoint.rolled-back',
  'checkpoint.index-damaged',
])

/** No stream has published as many since 1970. */
const EVENTS_A_SECOND = 500_000
/** The lost document may have been claimed more often than Kafka shows; our clock may be wrong. */
const CLAIMS_SINCE_RECORD = 1_000

interface LostStream {
  /** Undefined if it cannot be read. */
  readonly document: CheckpointDocument | undefined
  readonly record: CommitRecord | undefined
  /** In ms since 1970. */
  readonly now: number
}

/**
 * The state of a stream that begins again, with an index of its epoch. Epoch and event numbers are above all that it has
 * used. Its history starts at `to` or at `beginAt`, whichever is earlier.
 */
export function stateOfNewBeginning(
  { document, record, now }: LostStream,
  { id, to }: Rewind,
  beginAt: SourceTime,
): CommittedState {
  const epoch =
    document === undefined
      ? Math.max(Math.floor(now / 1000), (record?.epoch ?? 0) + CLAIMS_SINCE_RECORD)
      : Math.max(document.claim.epoch, record?.epoch ?? 0) + 1
  const next = document === undefined ? epoch * EVENTS_A_SECOND : nextEventOf(document)
  return {
    ...newStreamState,
    scans: newScansFrom(to !== null && to < beginAt ? to : beginAt, { id, before: 0, isIndexNew: true }),
    nextEvent: Math.max(next, record?.nextEvent ?? 0),
    index: { ...emptyIndex, generation: epoch },
  }
}

/** The committed state of a document whose pending one is undecided: what was in that may be published twice. */
export function stateWithoutPending({ committed, pending }: CheckpointDocument): CommittedState {
  const { state } = committed
  if (pending === null) return state
  const unknown = withUnknownContents(deltaWords(pending.change.entries))
  // Invariant 3: the numbers of scans stay behind those in the entries.
  const begun = Math.max(state.scans.begun, pending.change.scans.begun)
  return {
    ...state,
    scans: { ...state.scans, begun },
    nextEvent: Math.max(state.nextEvent, pending.change.nextEvent),
    index: withEntries(state.index, deltaText(unknown)),
  }
}
