import type { CheckpointDocument, Committed } from '../../checkpoint/checkpoint-document.ts'
import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { cures, restartAbove, restarted, rewound, withoutPending } from '../../checkpoint/rewind.ts'
import { type Claim, streamCheckpoint, writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { beginning, type StreamState } from '../../checkpoint/stream-state.ts'
import { type Claimant, claimed, committedByRecord, firstDocument, represented } from '../../checkpoint/transitions.ts'
import { type Rewind, seenAs, waitingRewind } from '../../checkpoint/wishes.ts'
import { indexRulesWithLists } from '../../event/configured-events.ts'
import { type ClientTable, clientTable, entriesIn } from '../../index/client-table.ts'
import { deltaWords, type IndexState, withRules } from '../../index/index-state.ts'
import { isDamage } from '../../index/load-table.ts'
import type { OpenStream } from '../../pipeline/delivery.ts'
import { type StreamProducer, withoutCheckpoint } from '../../publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { UNKNOWN_BEGINNING } from '../../scan/scan-state.ts'
import { mustBelong, mustNotHaveMoved, type OpenParts, openingOf, type StoredDocument } from './open-parts.ts'
import { type ResolvedStream, repairStream, resolveStream } from './resolve-stream.ts'

/**
 * Opens a stream: check the assignment → read the document, then the wishes, then the index → fence → read the commit
 * record → resolve → repair transactions without a marker → claim against the version read first → check the assignment
 * again. The claim applies a rewind that waits. Resolves to `paused` if nothing is left to do for a stream that is.
 *
 * `test/simulation` checks this order over every interleaving. The document is not changed before the claim.
 * `formerEpoch`: the epoch that this process claimed before, if the stream has failed since and is to run on.
 */
export async function openStream(
  parts: OpenParts,
  stop: AbortSignal,
  formerEpoch?: number,
): Promise<OpenStream | 'paused'> {
  using _permit = await parts.openLimit.acquire(stop)
  mustBeAssigned(parts) // before fencing: a replica that has or may have lost the stream must not fence its owner
  await parts.storeReady(stop)
  const read = await readStored(parts, stop)
  if (read === 'paused') return read
  mustNotBeTaken(parts, read.document, formerEpoch) // before fencing
  const loaded = await loadIndex(parts, read, stop) // before fencing: it may take a while
  const { document } = read
  // What a rewind replaces may be in another cluster, and its topic lost.
  const options = mayRestart(read) ? withoutCheckpoint : openingOf(document)
  const producer = await parts.publisher.open(options, stop)
  try {
    const claim = await claimStream(parts, { ...read, ...loaded }, producer, stop)
    mustBeAssigned(parts)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

interface ReadStored extends StoredDocument {
  /** The rewind that waits. */
  readonly rewind: Rewind | undefined
  /** See `seenAs`. */
  readonly seen: string
  /** Set if document or index cannot be used: why. The stream then begins again. */
  readonly lost: ErrorCode | undefined
}

/** The document, then the wishes. */
async function readStored(parts: OpenParts, stop: AbortSignal): Promise<ReadStored | 'paused'> {
  const stored = await parts.object.read(stop)
  const wishes = await parts.wishes.read(stop)
  const seen = seenAs(stored)
  const { rewind } = wishes
  const mayCure = (error: unknown) => rewind !== null && cures(rewind, codeOf(error), seen)
  let document: CheckpointDocument | undefined
  let lost: ErrorCode | undefined
  try {
    document = stored === undefined ? undefined : parseDocument(stored.text)
    mustBelong(parts, document) // before fencing, and before topics are created
  } catch (error) {
    if (!mayCure(error)) throw error
    lost = codeOf(error)
  }
  await parts.wishes.clear(document?.rewound ?? null, stop)
  const waiting = waitingRewind(document, wishes)
  const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
  if (wishes.paused && waiting === undefined && isSettled) return 'paused'
  return { stored, document, rewind: waiting, seen, lost }
}

/** Whether a rewind lets the stream begin again if its document or index is lost. */
const mayRestart = ({ rewind, seen }: ReadStored) =>
  rewind !== undefined && cures(rewind, 'checkpoint.topic-lost', seen)

function mustBeAssigned({ isAssigned }: OpenParts): void {
  if (!isAssigned()) throw new ConnectorError('publish.fenced', 'open stream: not assigned to this replica')
}

/** Otherwise two processes would take the stream from each other: brokers do not always say that one is fenced. */
function mustNotBeTaken({ owner }: OpenParts, document: CheckpointDocument | undefined, epoch = Infinity): void {
  if (document === undefined || document.claim.owner === owner || document.claim.epoch <= epoch) return
  throw new ConnectorError('publish.fenced', 'open stream: another process has claimed it since it failed here')
}

interface LoadedIndex {
  readonly table: ClientTable
  readonly lost: ErrorCode | undefined
}

/** A segment may have been deleted by a replica that claimed the stream since: then the opening starts over. */
async function loadIndex(parts: OpenParts, read: ReadStored, stop: AbortSignal): Promise<LoadedIndex> {
  const { document, lost } = read
  if (document === undefined || lost !== undefined) return { table: clientTable(), lost }
  try {
    const { nonce, committed } = document
    const table = await parts.index.load({ nonce, index: committed.state.index }, stop, progressOf(parts))
    return { table, lost }
  } catch (error) {
    if (!isDamage(error)) throw error
    await mustNotHaveMoved(parts, read.stored, stop)
    if (!mayRestart(read)) throw error
    return { table: clientTable(), lost: codeOf(error) }
  }
}

const REPORT_MS = 5_000

/** Reports every few seconds how much of the index has arrived. */
function progressOf({ clock, observe }: OpenParts) {
  let reportedAt = clock.monotonic()
  return (loaded: number, of: number) => {
    if (clock.monotonic() - reportedAt < REPORT_MS) return
    reportedAt = clock.monotonic()
    observe({ kind: 'index-loading', loaded, of })
  }
}

interface Claiming extends ReadStored {
  readonly table: ClientTable
  readonly resolved: ResolvedStream
  readonly claimant: Claimant
}

async function claimStream(
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
  const current = represented(next, currentIndex(parts, next.committed.state, table))
  if (table !== read.table) table.setAll(deltaWords(current.committed.state.index.delta))
  const version = await writeDocument(parts, { document: current, expected: stored?.version ?? null }, stop)
  observeClaim(parts, document, next)
  return { document: current, version, table }
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

/** The index under the present rules. */
function currentIndex(parts: OpenParts, { index, events, mapping }: StreamState, table: ClientTable): IndexState {
  const rules = indexRulesWithLists(parts.indexRules, mapping?.lists ?? [])
  return withRules(index, rules, events, () => unusedRules(index, table))
}

function unusedRules({ rules }: IndexState, table: ClientTable): number {
  const used = new Set<number>()
  for (const [, entry] of entriesIn(table)) used.add(entry.rules)
  return rules.findIndex((_, number) => !used.has(number))
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
