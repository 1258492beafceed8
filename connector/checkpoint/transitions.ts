import type { ClientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
import type { FoundRecord } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { scansWithoutPlaces } from '../scan/begin-scan.ts'
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
  type StateChange,
  type StreamIdentity,
} from './checkpoint-document.ts'
import { stateOfNewBeginning, stateReadingHistoryAgain, stateWithoutPending } from './rewind.ts'
import type { ValidState } from './valid-state.ts'
import type { Rewind } from './wishes.ts'

/** Transitions of the checkpoint document. Each function returns what to write next, and writes nothing. */

/** The replica that claims, and the id of its transactional producer. */
interface Claimant {
  readonly nonce: string
  /** In ms since 1970. */
  readonly at: number
  readonly owner: string
  readonly producerId: string
  readonly identity: StreamIdentity
}

/** What is stored of a stream, as an opening has read it. */
export interface StoredStream {
  /** Undefined: there is none, or it is damaged and the rewind replaces it. */
  readonly document: CheckpointDocument | undefined
  /** The client index of its committed state. */
  readonly table: ClientTable
  /** The rewind that waits. */
  readonly rewind: Rewind | undefined
  /** Document or index cannot be used, and the rewind lets the stream begin again. */
  readonly isLost: boolean
}

interface ResolvedStream extends StoredStream {
  /** If it is a hold, the rewind cures it. */
  readonly valid: ValidState
  readonly found: FoundRecord
  readonly beginAt: SourceTime | undefined
  readonly settings: ScanSettings
}

/**
 * The document of a claim, after the rewind that waits. Invariant 4: a claim writes a higher epoch, with the resolved state
 * and nothing pending. Throws `config.invalid` for a new stream without a configured beginning.
 */
export function documentOfClaim(known: ResolvedStream, claimant: Claimant): CheckpointDocument {
  const { document, table, isLost, rewind, valid, found, settings } = known
  const beginAt = known.beginAt ?? UNKNOWN_BEGINNING
  if (rewind !== undefined && (isLost || (valid.kind === 'hold' && valid.code !== 'checkpoint.undecided'))) {
    const record = found.kind === 'record' ? found.record : undefined
    const state = stateOfNewBeginning({ document, record, now: claimant.at }, rewind, beginAt)
    return { ...firstDocument(state, claimant, state.index.generation), rewound: rewind.id }
  }
  if (document === undefined && known.beginAt === undefined) throw noBeginningError()
  const next =
    document === undefined ? firstDocument(newStreamState, claimant, 1) : nextClaim(document, valid, claimant)
  if (rewind === undefined) return next
  const { committed } = next
  table.setAll(deltaWords(committed.state.index.delta))
  const state = stateReadingHistoryAgain(committed.state, rewind, { beginAt, settings, now: claimant.at, table })
  return { ...next, rewound: rewind.id, committed: { ...committed, state } }
}

function firstDocument(state: CommittedState, claimant: Claimant, epoch: number): CheckpointDocument {
  const { nonce, at } = claimant
  const committed = { epoch, seq: 0, nonce, at, hasRecord: false, state }
  return { format: FORMAT, ...claimFields(claimant, epoch), rewound: null, committed }
}

function claimFields({ nonce, at, owner, producerId, identity }: Claimant, epoch: number) {
  return { nonce, ...identity, producerId, claim: { epoch, owner, at }, pending: null }
}

function noBeginningError(): ConnectorError {
  const why = 'no checkpoint yet: POLARIS_LAST_CHANGED must be set to the date from which to read clients'
  return new ConnectorError('config.invalid', `open stream: ${why}`)
}

/** The next claim of a document, with its valid state as the committed one. */
function nextClaim(document: CheckpointDocument, valid: ValidState, claimant: Claimant): CheckpointDocument {
  const committed = committedPartOf(document, valid)
  const { state } = committed
  // The tokens of a server say nothing to one at another address.
  const scans = claimant.identity.source.url === document.source.url ? state.scans : scansWithoutPlaces(state.scans)
  const claim = claimFields(claimant, document.claim.epoch + 1)
  return { ...document, ...claim, committed: { ...committed, state: { ...state, scans } } }
}

/** Without its commit record, none is missed later. */
function committedPartOf(document: CheckpointDocument, valid: ValidState): CommittedPart {
  const { committed } = document
  if (valid.kind === 'pending') return committedPartByRecord(document)
  if (valid.kind === 'hold') return { ...committed, hasRecord: false, state: stateWithoutPending(document) }
  return { ...committed, hasRecord: valid.kind === 'committed' && valid.hasRecord }
}

/** Prepares the next transaction. */
export function documentOfPrepare(
  document: CheckpointDocument,
  change: StateChange,
  stamp: Pick<Claimant, 'nonce' | 'at'>,
) {
  const { nonce, at } = stamp
  const { claim, committed } = document
  const pending = { epoch: claim.epoch, seq: committed.seq + 1, nonce, at, change }
  return { ...document, nonce, pending }
}
