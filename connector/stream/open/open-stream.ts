import type { CheckpointDocument, Committed, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { type Claim, streamCheckpoint, writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { beginning, type StreamState } from '../../checkpoint/stream-state.ts'
import {
  claimed,
  committedByRecord,
  firstDocument,
  represented,
  withSeenControl,
} from '../../checkpoint/transitions.ts'
import { indexRulesWithLists } from '../../event/configured-events.ts'
import { type ClientTable, clientTable, entriesIn } from '../../index/client-table.ts'
import { deltaWords, type IndexState, withRules } from '../../index/index-state.ts'
import { isDamage } from '../../index/load-table.ts'
import type { OpenStream } from '../../pipeline/delivery.ts'
import type { StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { mustBelong, mustNotHaveMoved, type OpenParts, openingOf, type StoredDocument } from './open-parts.ts'
import { type Resolution, repairStream, resolveStream } from './resolve-stream.ts'

/**
 * Opens a stream: check the assignment → read the document → fence → read the commit record → resolve → repair
 * transactions without a marker → claim against the version read first → check the assignment again.
 *
 * `test/simulation` checks this order over every interleaving. The document is not changed before the claim.
 * `formerEpoch`: the epoch that this process claimed before, if the stream has failed since and is to run on.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal, formerEpoch?: number): Promise<OpenStream> {
  using _permit = await parts.openLimit.acquire(stop)
  mustBeAssigned(parts) // before fencing: a replica that has or may have lost the stream must not fence its owner
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  mustNotBeTaken(parts, document, formerEpoch) // before fencing
  mustBelong(parts, document) // before fencing, and before topics are created
  const table = await loadIndex(parts, { stored, document }, stop) // before fencing: it may take a while
  const producer = await parts.publisher.open(openingOf(document), stop)
  try {
    const claim = await claimStream(parts, { stored, document, table }, producer, stop)
    mustBeAssigned(parts)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

function mustBeAssigned({ assignment }: OpenParts): void {
  const current = assignment()
  if (current === 'elsewhere') throw new ConnectorError('publish.fenced', 'open stream: not assigned to this replica')
  if (current === 'unknown')
    throw new ConnectorError('placement.group-unreachable', 'open stream: the consumer group does not answer')
}

/** Otherwise two processes would take the stream from each other: brokers do not always say that one is fenced. */
function mustNotBeTaken({ owner }: OpenParts, document: CheckpointDocument | undefined, epoch = Infinity): void {
  if (document === undefined || document.claim.owner === owner || document.claim.epoch <= epoch) return
  throw new ConnectorError('publish.fenced', 'open stream: another process has claimed it since it failed here')
}

/** A segment may have been deleted by a replica that claimed the stream since: then the opening starts over. */
async function loadIndex(parts: OpenParts, read: StoredDocument, stop: AbortSignal): Promise<ClientTable> {
  const { document } = read
  if (document === undefined) return clientTable()
  try {
    const { nonce, committed } = document
    return await parts.index.load({ nonce, index: committed.state.index }, stop, progressOf(parts))
  } catch (error) {
    if (isDamage(error)) await mustNotHaveMoved(parts, read.stored, stop)
    throw error
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

async function claimStream(
  parts: OpenParts,
  read: StoredDocument & { table: ClientTable },
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<Claim> {
  const { document, table } = read
  const resolved = await resolveStream(parts, { producer, document }, stop)
  const { resolution, identity } = resolved
  const mustBeCurrent = () => mustNotHaveMoved(parts, read.stored, stop)
  if (resolution.kind === 'hold') {
    await mustBeCurrent()
    throw new ConnectorError(resolution.code, `open stream: ${resolution.why}`)
  }
  await repairStream(parts, { producer, document, resolved }, { mustBeCurrent, stop })
  const claim = claimOf(parts, producer, identity)
  const next =
    document === undefined
      ? firstDocument(identity, firstState(parts), claim)
      : claimed(document, validStateOf(document, resolution, table), claim)
  const indexed = represented(next, currentIndex(parts, next.committed.state, table))
  const current = withSeenControl(indexed, parts.seenControl?.())
  const expected = read.stored?.version ?? null
  const version = await writeDocument(parts, { document: current, expected }, stop)
  observeClaim(parts, document, next)
  return { document: current, version, table }
}

export function claimOf(
  parts: Pick<OpenParts, 'newNonce' | 'clock' | 'owner'>,
  producer: StreamProducer,
  identity: StreamIdentity,
) {
  const { producerId } = producer
  return { nonce: parts.newNonce(), at: parts.clock.now(), owner: parts.owner, producerId, identity }
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
function validStateOf(document: CheckpointDocument, resolution: Resolution, table: ClientTable): Committed {
  if (resolution.kind !== 'pending')
    return { ...document.committed, hasRecord: resolution.kind === 'committed' && resolution.hasRecord }
  if (document.pending !== null) table.setAll(deltaWords(document.pending.change.entries))
  return committedByRecord(document)
}

/** The state of a new stream. Throws `config.invalid` if no start is configured. */
export function firstState({ beginAt }: Pick<OpenParts, 'beginAt'>): StreamState {
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
  observe({ kind: 'stream-claimed', epoch, seq, backfill: scans.backfill, isNew: before === undefined, events })
  if (before === undefined) return
  if (before.claim.owner !== owner) observe({ kind: 'taken-over', from: before.claim.owner, epoch })
  if (before.source.url !== after.source.url) observe({ kind: 'source-moved' })
  if (before.destination.partitions < after.destination.partitions) {
    observe({ kind: 'partitions-grown', from: before.destination.partitions, to: after.destination.partitions })
  }
}
