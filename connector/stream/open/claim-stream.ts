import type { CheckpointDocument, Committed, StreamState } from '../../checkpoint/checkpoint-document.ts'
import { cures, restartAbove, restarted, rewound, withoutPending } from '../../checkpoint/rewind.ts'
import { type Claim, writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { beginning, type Claimant, claimed, committedByRecord, firstDocument } from '../../checkpoint/transitions.ts'
import type { Rewind } from '../../checkpoint/wishes.ts'
import { type ClientTable, clientTable } from '../../index/client-table.ts'
import { deltaWords } from '../../index/index-state.ts'
import type { StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { UNKNOWN_BEGINNING } from '../../scan/scan-state.ts'
import { mustNotHaveMoved, type OpenParts, type StoredDocument } from './open-parts.ts'
import { type ResolvedStream, repairStream, resolveStream } from './resolve-stream.ts'

/** What an opening has read before it claims the stream. */
export interface ReadStored extends StoredDocument {
  /** The rewind that waits. */
  readonly rewind: Rewind | undefined
  /** See `seenAs`. */
  readonly seen: string
  /** Set if document or index cannot be used: why. The stream then begins again. */
  readonly lost: ErrorCode | undefined
}

export interface LoadedIndex {
  readonly table: ClientTable
  readonly lost: ErrorCode | undefined
}

interface Claiming extends ReadStored {
  readonly table: ClientTable
  readonly resolved: ResolvedStream
  readonly claimant: Claimant
}

/**
 * Resolves the valid state by the commit record, repairs transactions without a marker, and claims the stream: against the
 * version that was read, with the rewind that waits. Rejects with `checkpoint.*`, `publish.*` or `storage.*`.
 */
export async function claimStream(
  parts: OpenParts,
  read: ReadStored & LoadedIndex,
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<Claim> {
  const { document, stored } = read
  const resolved = await resolveStream(parts, { producer, document }, stop)
  const { resolution, identity } = resolved
  const mustBeCurrent = () => mustNotHaveMoved(parts, stored, stop)
  if (resolution.kind === 'hold' && !isCured(read, resolution.code)) {
    await mustBeCurrent()
    throw new ConnectorError(resolution.code, `open stream: ${resolution.why}`)
  }
  await repairStream(parts, { producer, document, resolved }, { mustBeCurrent, stop })
  const { producerId } = producer
  const claimant = { nonce: parts.newNonce(), at: parts.clock.now(), owner: parts.owner, producerId, identity }
  const next = claimOf(parts, { ...read, resolved, claimant })
  const table = isNewIndex(document, next) ? clientTable() : read.table
  if (table !== read.table) table.setAll(deltaWords(next.committed.state.index.delta))
  const version = await writeDocument(parts, { document: next, expected: stored?.version ?? null }, stop)
  observeClaim(parts, document, next)
  return { document: next, version, table }
}

const isCured = ({ rewind, seen }: ReadStored, code: ErrorCode) => rewind !== undefined && cures(rewind, code, seen)

const isNewIndex = (before: CheckpointDocument | undefined, after: CheckpointDocument) =>
  before?.committed.state.index.generation !== after.committed.state.index.generation

/** The document of the claim: the valid state, after the rewind that waits. */
function claimOf(parts: OpenParts, { document, lost, rewind, ...claiming }: Claiming): CheckpointDocument {
  const { table, resolved, claimant } = claiming
  const { resolution, kafka } = resolved
  const beginAt = parts.beginAt ?? UNKNOWN_BEGINNING
  const isUndecided = resolution.kind === 'hold' && resolution.code === 'checkpoint.undecided'
  if (rewind !== undefined && (lost !== undefined || (resolution.kind === 'hold' && !isUndecided))) {
    const record = kafka.found.kind === 'record' ? kafka.found.record : undefined
    const restart = restartAbove(document, record, parts.clock.now())
    return { ...firstDocument(restarted(restart, rewind, beginAt), claimant, restart.epoch), rewound: rewind.id }
  }
  const epoch = (document?.claim.epoch ?? 0) + 1
  const next =
    document === undefined
      ? firstDocument(firstState(parts), claimant)
      : claimed(document, validStateOf(document, resolution, table), claimant)
  if (rewind === undefined) return next
  const { committed } = next
  return {
    ...next,
    rewound: rewind.id,
    committed: { ...committed, state: rewound(committed.state, rewind, { epoch, beginAt }) },
  }
}

/** The valid state as the committed one, its entries in `table`. Without its commit record, none is missed later. */
function validStateOf(
  document: CheckpointDocument,
  resolution: ResolvedStream['resolution'],
  table: ClientTable,
): Committed {
  const { committed, pending } = document
  if (resolution.kind === 'pending') {
    if (pending !== null) table.setAll(deltaWords(pending.change.entries))
    return committedByRecord(document)
  }
  if (resolution.kind !== 'hold')
    return { ...committed, hasRecord: resolution.kind === 'committed' && resolution.hasRecord }
  const state = withoutPending(document)
  table.setAll(deltaWords(state.index.delta))
  return { ...committed, hasRecord: false, state }
}

/** The state of a new stream. Throws `config.invalid` if no start is configured. */
function firstState({ beginAt }: Pick<OpenParts, 'beginAt'>): StreamState {
  if (beginAt !== undefined) return beginning
  throw new ConnectorError(
    'config.invalid',
    'open stream: no checkpoint yet: POLARIS_LAST_CHANGED must be set to the date from which to read clients',
  )
}

function observeClaim(
  { observe, owner }: OpenParts,
  before: CheckpointDocument | undefined,
  after: CheckpointDocument,
): void {
  const { scans, events } = after.committed.state
  const { epoch } = after.claim
  const { seq } = after.committed
  observe({ kind: 'stream-claimed', epoch, seq, backfill: scans.backfill.state, isNew: before === undefined, events })
  if (before === undefined) return
  const { owner: from } = before.claim
  if (from !== null && from !== owner) observe({ kind: 'taken-over', from, epoch })
  if (before.source.url !== after.source.url) observe({ kind: 'source-moved' })
  if (before.destination.partitions < after.destination.partitions) {
    observe({ kind: 'partitions-grown', from: before.destination.partitions, to: after.destination.partitions })
  }
}
