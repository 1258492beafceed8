import type { ClientTable } from '../index/client-table.ts'
import { encodeEntries, keyOfHashed, UNKNOWN_CONTENT, withUnknownContents } from '../index/index-entry.ts'
import { deltaOf, emptyIndex, encodedEntriesOf, withEntries } from '../index/index-state.ts'
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

/**
 * The functions of this file say what a rewind makes of a stream (docs/decisions/20261202-publishing-again.md). All are
 * pure.
 */

/** The opening that applies the rewind passes these. */
interface RewindParts {
  /** This is the configured beginning of the stream. */
  readonly beginAt: SourceTime
  readonly settings: ScanSettings
  /** The rewind is applied at this time, in ms since 1970. */
  readonly now: number
  /** This table is the client index of the state. */
  readonly table: ClientTable
}

/**
 * Returns the state whose history is to be read again. The index stays: what it knows is published again only with
 * `republish`.
 */
export function stateReadingHistoryAgain(state: CommittedState, rewind: Rewind, parts: RewindParts): CommittedState {
  const { clients, republish } = rewind
  const { index } = state
  const republishesSomeClients = republish && clients !== undefined
  return {
    ...state,
    scans: scansReadingHistoryAgain(state, rewind, parts),
    index: republishesSomeClients ? withEntries(index, entriesOfUnknownContent(clients, parts.table)) : index,
  }
}

/**
 * A rewind skips no client: a history that has not ended continues, and its beginning moves only to an earlier time.
 */
function scansReadingHistoryAgain(
  state: CommittedState,
  rewind: Rewind,
  { beginAt, settings, now }: RewindParts,
): ScanStates {
  const { scans } = state
  const { history } = scans
  const scan = scanNamed(scans, HISTORY)
  const rewindTo = rewind.to ?? beginAt
  const historyFrom = scan?.from ?? history.from ?? beginAt
  const rewoundHistory: HistoryState = {
    ...history,
    state: history.state === 'first' ? 'first' : 'again',
    from: history.state === 'done' || rewindTo < historyFrom ? rewindTo : historyFrom,
    republication: rewind.republish ? republicationOf(rewind, state) : history.republication,
  }
  const rewoundScans = { ...scans, history: rewoundHistory }
  const times = { ours: now, server: now }
  return scan === undefined ? rewoundScans : withScan(rewoundScans, rewoundScan(scan, rewindTo, { settings, times }))
}

/**
 * A rewind for some clients does not end one for all clients: what the latter has not reached is still published again.
 */
function republicationOf({ id, clients }: Rewind, { scans, nextEvent }: CommittedState): Republication {
  const { beforeEvent = 0, isIndexNew = false } = scans.history.republication ?? {}
  return { id, beforeEvent: clients === undefined ? nextEvent : beforeEvent, isIndexNew }
}

/** Returns the entries that these clients have in the index, with their contents unknown. */
function entriesOfUnknownContent(clients: readonly string[], table: ClientTable) {
  const entries = clients.flatMap((hashedClientId) => {
    const key = keyOfHashed(hashedClientId)
    const entry = table.get(key)
    return entry === undefined ? [] : [[key, { ...entry, content: UNKNOWN_CONTENT }] as const]
  })
  return deltaOf(encodeEntries(entries))
}

/**
 * Whether the rewind cures a hold with this code. The operator has confirmed it for one document, so it cures no hold
 * of another one: `documentId` is that of the stored document. If events may be lost, only a rewind with
 * `republish` cures the hold. A rewind for some clients cures none.
 */
export function curesHold(
  { confirmedDocument, republish, clients }: Rewind,
  code: ErrorCode,
  documentId: string,
): boolean {
  if (confirmedDocument !== documentId || clients !== undefined) return false
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

/**
 * Without a document, nobody knows which event numbers the stream has used. So the epoch is at least the time in
 * seconds since 1970, and the new numbers begin at the epoch times this rate. The stream could have used such a number
 * only if it had published this many events in every second since 1970.
 */
const EVENTS_A_SECOND = 500_000
/**
 * Without a document, the new epoch is at least this far above that of the commit record, in case our clock is behind.
 * We assume that the lost document was claimed less often since that record.
 */
const EPOCHS_ABOVE_RECORD = 1_000

/** Holds what is known of a stream that must begin again. */
interface FormerStream {
  /** It is undefined if it cannot be read. */
  readonly document: CheckpointDocument | undefined
  /** This is the commit record that Kafka has of the stream. */
  readonly record: CommitRecord | undefined
  /** The claim is made at this time, in ms since 1970. */
  readonly now: number
}

/**
 * Returns the state of a stream that begins again, with an index whose generation is its epoch. Epoch and event numbers
 * are above all that the stream has used. Its history starts at `to` or at `beginAt`, whichever is earlier.
 */
export function stateOfNewBeginning(
  { document, record, now }: FormerStream,
  { id, to }: Rewind,
  beginAt: SourceTime,
): CommittedState {
  const epoch =
    document === undefined
      ? Math.max(Math.floor(now / 1000), (record?.epoch ?? 0) + EPOCHS_ABOVE_RECORD)
      : Math.max(document.claim.epoch, record?.epoch ?? 0) + 1
  const firstFreeNumber = document === undefined ? epoch * EVENTS_A_SECOND : nextEventOf(document)
  return {
    ...newStreamState,
    scans: newScansFrom(to !== null && to < beginAt ? to : beginAt, { id, beforeEvent: 0, isIndexNew: true }),
    nextEvent: Math.max(firstFreeNumber, record?.nextEvent ?? 0),
    index: { ...emptyIndex, generation: epoch },
  }
}

/**
 * Returns the committed state of a document of which nobody knows whether its pending transaction was committed. The
 * clients of the pending transaction get an unknown content, so they may be published twice. The numbers of scans and
 * events that it may have used stay used.
 */
export function stateWithUndecidedPending({ committed, pending }: CheckpointDocument): CommittedState {
  const { state } = committed
  if (pending === null) return state
  const unknownEntries = withUnknownContents(encodedEntriesOf(pending.change.entries))
  // Invariant 3: new scans get higher numbers than the entries of that transaction have.
  const lastScanNumber = Math.max(state.scans.lastScanNumber, pending.change.scans.lastScanNumber)
  return {
    ...state,
    scans: { ...state.scans, lastScanNumber },
    nextEvent: Math.max(state.nextEvent, pending.change.nextEvent),
    index: withEntries(state.index, deltaOf(unknownEntries)),
  }
}
