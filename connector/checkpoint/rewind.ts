import type { ClientTable } from '../index/client-table.ts'
import { entryWordsOf, keyOfHashed, UNKNOWN_CONTENT, withUnknownContents } from '../index/index-entry.ts'
import { deltaText, deltaWords, emptyIndex, withEntries } from '../index/index-state.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { beginningAt, withoutPlaces } from '../scan/begin-scan.ts'
import { HISTORY, type HistoryState, scanNamed, withoutScan } from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import { beginning, type CheckpointDocument, type StreamState } from './checkpoint-document.ts'
import { nextEventOf } from './valid-state.ts'
import type { Rewind } from './wishes.ts'

/** What a rewind makes of a stream. All are pure. */

/** Of the opening that applies it. */
interface Applied {
  /** The epoch that the opening claims. */
  readonly epoch: number
  /** The configured beginning of the stream. */
  readonly beginAt: SourceTime
  /** The index of the state. */
  readonly table: Pick<ClientTable, 'get'>
}

/**
 * The state with its history to be read again. A rewind never skips: a history that has not ended begins at the earlier
 * of both times.
 */
export function rewound(state: StreamState, rewind: Rewind, { epoch, beginAt, table }: Applied): StreamState {
  const { id, to, republish, clients } = rewind
  const { scans, index } = state
  const { history } = scans
  const wanted = to ?? beginAt
  const reached = scanNamed(scans, HISTORY)?.lastChanged ?? history.from ?? beginAt
  const again: HistoryState = {
    ...history,
    state: history.state === 'first' ? 'first' : 'again',
    from: history.state === 'done' || wanted < reached ? wanted : reached,
    republished: republish ? id : history.republished,
  }
  const others = { ...withoutScan(scans, HISTORY), history: again }
  if (!republish) return { ...state, scans: others }
  if (clients !== undefined)
    return { ...state, scans: others, index: withEntries(index, unknownContents(clients, table)) }
  // Invariant 3: a scan in progress may hold an old page. Without index entries, nothing shows that it is old.
  return { ...state, scans: withoutPlaces(others), index: { ...emptyIndex, generation: epoch } }
}

/** The entries of these clients, as far as there are any, with unknown contents. */
function unknownContents(clients: readonly string[], table: Pick<ClientTable, 'get'>): string {
  const entries = clients.flatMap((hashed) => {
    const key = keyOfHashed(hashed)
    const entry = table.get(key)
    return entry === undefined ? [] : [[key, { ...entry, content: UNKNOWN_CONTENT }] as const]
  })
  return deltaText(entryWordsOf(entries))
}

/**
 * Whether the rewind cures the hold. `seen`: see `seenAs`. A `yes` is for one document only; what may be lost needs
 * `republish`. One for some clients cures nothing.
 */
export function cures({ yes, republish, clients }: Rewind, code: ErrorCode, seen: string): boolean {
  if (yes !== seen || clients !== undefined) return false
  return code === 'checkpoint.undecided' || (republish && curedByRepublish.has(code))
}

const curedByRepublish: ReadonlySet<ErrorCode> = new Set([
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

interface Lost {
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
export function restarted({ document, record, now }: Lost, { id, to }: Rewind, beginAt: SourceTime): StreamState {
  const epoch =
    document === undefined
      ? Math.max(Math.floor(now / 1000), (record?.epoch ?? 0) + CLAIMS_SINCE_RECORD)
      : Math.max(document.claim.epoch, record?.epoch ?? 0) + 1
  const next = document === undefined ? epoch * EVENTS_A_SECOND : nextEventOf(document)
  return {
    ...beginning,
    scans: beginningAt(to !== null && to < beginAt ? to : beginAt, id),
    nextEvent: Math.max(next, record?.nextEvent ?? 0),
    index: { ...emptyIndex, generation: epoch },
  }
}

/** The committed state of a document whose pending one is undecided: what was in that may be published twice. */
export function withoutPending({ committed, pending }: CheckpointDocument): StreamState {
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
