import type { ClientTable } from '../index/client-table.ts'
import { encodedEntriesOf } from '../index/index-state.ts'
import type { FoundRecord } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { scansWithoutTokens } from '../scan/begin-scan.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import {
  type CheckpointDocument,
  type CommittedPart,
  type CommittedState,
  committedPartByRecord,
  FORMAT,
  newStreamState,
  type PendingPart,
  type StateChange,
  type StreamIdentity,
} from './checkpoint-document.ts'
import { stateOfNewBeginning, stateReadingHistoryAgain, stateWithUndecidedPending } from './rewind.ts'
import type { ValidState } from './valid-state.ts'
import type { Rewind } from './wishes.ts'

/**
 * The functions of this file return the next checkpoint document, and store nothing. Only `documentOfClaim` changes
 * what it is given: with a rewind, it sets the newest index entries of the valid state in the table.
 */

/** Describes the replica that claims, and its transactional producer. */
interface Claimant {
  readonly nonce: string
  /** The claim is made at this time, in ms since 1970. */
  readonly at: number
  readonly owner: string
  readonly producerId: string
  readonly identity: StreamIdentity
}

/** Holds what is stored of a stream, as an opening has read it. */
export interface StoredStream {
  /** It is undefined if there is none, or if it is damaged and the rewind replaces it. */
  readonly document: CheckpointDocument | undefined
  /** This is the client index of the committed state. */
  readonly table: ClientTable
  /** The operator wants this rewind, and no claim has applied it yet. */
  readonly rewind: Rewind | undefined
  /** Whether document or index cannot be used, so that the rewind lets the stream begin again. */
  readonly isLost: boolean
}

/** Adds what the opening has found out: which state is valid, and what the first or a rewound history needs. */
interface StreamToClaim extends StoredStream {
  /** If it is a hold, the rewind is known to cure it. */
  readonly verdict: ValidState
  readonly foundRecord: FoundRecord
  readonly beginAt: SourceTime | undefined
  readonly settings: ScanSettings
}

/**
 * Returns the document of a claim, and applies the waiting rewind to it, if there is one. Invariant 4: a claim writes a
 * higher epoch, with the valid state as the committed one and nothing pending. Throws `config.invalid` for a new stream
 * without a configured beginning.
 */
export function documentOfClaim(stream: StreamToClaim, claimant: Claimant): CheckpointDocument {
  const { document, table, isLost, rewind, verdict, foundRecord, settings } = stream
  const beginAt = stream.beginAt ?? UNKNOWN_BEGINNING
  if (rewind !== undefined && (isLost || (verdict.kind === 'hold' && verdict.code !== 'checkpoint.undecided'))) {
    const record = foundRecord.kind === 'record' ? foundRecord.record : undefined
    const state = stateOfNewBeginning({ document, record, now: claimant.at }, rewind, beginAt)
    return { ...documentOfBeginning(state, claimant, state.index.generation), appliedRewind: rewind.id }
  }
  if (document === undefined && stream.beginAt === undefined) throw noBeginningError()
  const next =
    document === undefined
      ? documentOfBeginning(newStreamState, claimant, 1)
      : documentOfNextClaim(document, verdict, claimant)
  if (rewind === undefined) return next
  const { committed } = next
  table.setAll(encodedEntriesOf(committed.state.index.delta))
  const state = stateReadingHistoryAgain(committed.state, rewind, { beginAt, settings, now: claimant.at, table })
  return { ...next, appliedRewind: rewind.id, committed: { ...committed, state } }
}

function documentOfBeginning(state: CommittedState, claimant: Claimant, epoch: number): CheckpointDocument {
  const { nonce, at } = claimant
  const committed = { epoch, seq: 0, nonce, at, expectsRecord: false, state }
  return { format: FORMAT, ...fieldsOfClaim(claimant, epoch), appliedRewind: null, committed }
}

function fieldsOfClaim({ nonce, at, owner, producerId, identity }: Claimant, epoch: number) {
  return { nonce, ...identity, producerId, claim: { epoch, owner, at }, pending: null }
}

function noBeginningError() {
  const why = 'no checkpoint yet: POLARIS_LAST_CHANGED must be set to the date from which to read clients'
  return new ConnectorError('config.invalid', `open stream: ${why}`)
}

/** Returns the next claim of a document, with its valid state as the committed one. */
function documentOfNextClaim(
  document: CheckpointDocument,
  verdict: ValidState,
  claimant: Claimant,
): CheckpointDocument {
  const committed = committedPartOf(document, verdict)
  const { state } = committed
  // The page tokens of the scans are dropped if the URL has changed: a server at another URL does not know them.
  const scans = claimant.identity.source.url === document.source.url ? state.scans : scansWithoutTokens(state.scans)
  const newClaimFields = fieldsOfClaim(claimant, document.claim.epoch + 1)
  return { ...document, ...newClaimFields, committed: { ...committed, state: { ...state, scans } } }
}

/**
 * Returns the valid state, which becomes the committed one. Its `expectsRecord` says what this opening has found: if
 * the commit record is missing now, later openings do not expect it.
 */
function committedPartOf(document: CheckpointDocument, verdict: ValidState): CommittedPart {
  const { committed } = document
  if (verdict.kind === 'pending') return committedPartByRecord(document)
  if (verdict.kind === 'hold') return { ...committed, expectsRecord: false, state: stateWithUndecidedPending(document) }
  return { ...committed, expectsRecord: verdict.kind === 'committed' && verdict.recordFound }
}

/** Returns the document that prepares the next transaction. It is prepared at `at`, in ms since 1970. */
export function documentOfPrepare(
  document: CheckpointDocument,
  change: StateChange,
  { nonce, at }: Pick<PendingPart, 'nonce' | 'at'>,
) {
  const { claim, committed } = document
  const pending = { epoch: claim.epoch, seq: committed.seq + 1, nonce, at, change }
  return { ...document, nonce, pending }
}
