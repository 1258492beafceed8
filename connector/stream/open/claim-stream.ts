import type {
  CheckpointDocument,
  Committed,
  StreamIdentity,
  StreamState,
} from '../../checkpoint/checkpoint-document.ts'
import { mismatch } from '../../checkpoint/mismatch.ts'
import { restartAbove, restarted, rewound, withoutPending } from '../../checkpoint/rewind.ts'
import { type Claim, writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { beginning, type Claimant, claimed, committedByRecord, firstDocument } from '../../checkpoint/transitions.ts'
import { validState } from '../../checkpoint/valid-state.ts'
import { clientTable } from '../../index/client-table.ts'
import { deltaWords } from '../../index/index-state.ts'
import type { KafkaState, StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { UNKNOWN_BEGINNING } from '../../scan/scan-state.ts'
import type { OpenParts } from './open-parts.ts'
import { mustNotHaveMoved, type ReadStored } from './read-stored.ts'
import { repairStream } from './repair-stream.ts'

type Valid = ReturnType<typeof validIn>

/**
 * Resolves the valid state by the commit record, repairs transactions without a marker, and claims the stream: against the
 * version that was read, with the rewind that waits. Rejects with `checkpoint.*`, `publish.*` or `storage.*`.
 */
export async function claimStream(
  parts: OpenParts,
  read: ReadStored,
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<Claim> {
  const { document, stored } = read
  const kafka = await producer.readKafkaState({ formerProducerId: document?.producerId ?? null }, stop)
  const identity = { ...parts.identity, destination: kafka.destination }
  const valid = validIn(parts, { document, identity, kafka })
  const mustBeCurrent = () => mustNotHaveMoved(parts, read, stop)
  if (valid.kind === 'hold' && !read.isCured(valid.code)) {
    await mustBeCurrent()
    throw new ConnectorError(valid.code, `open stream: ${valid.why}`)
  }
  await repairStream(parts, { producer, open: kafka.open, isDecided: valid.kind === 'pending', mustBeCurrent }, stop)
  const { producerId } = producer
  const claimant = { nonce: parts.newNonce(), at: parts.clock.now(), owner: parts.owner, producerId, identity }
  const next = claimOf(parts, read, { valid, kafka, claimant })
  const table = isNewIndex(document, next) ? clientTable() : read.table
  table.setAll(deltaWords(next.committed.state.index.delta))
  const version = await writeDocument(parts, { document: next, expected: stored?.version ?? null }, stop)
  observeClaim(parts, document, next)
  return { document: next, version, table }
}

interface Found {
  readonly document: CheckpointDocument | undefined
  readonly identity: StreamIdentity
  readonly kafka: KafkaState
}

/** Which state is valid, once the previous producers are fenced. */
function validIn({ clock, topicUse }: OpenParts, { document, identity, kafka }: Found) {
  const wrong = document && mismatch(document, identity)
  if (wrong !== undefined) return { kind: 'hold' as const, ...wrong }
  const { found, isEmpty } = kafka
  return validState(document, { found, mayBegin: isEmpty || topicUse === 'shared', now: clock.now() })
}

const isNewIndex = (before: CheckpointDocument | undefined, after: CheckpointDocument) =>
  before?.committed.state.index.generation !== after.committed.state.index.generation

/** The document of the claim: the valid state, after the rewind that waits. */
function claimOf(
  parts: OpenParts,
  { document, rewind, table, isLost }: ReadStored,
  { valid, kafka, claimant }: { readonly valid: Valid; readonly kafka: KafkaState; readonly claimant: Claimant },
): CheckpointDocument {
  const beginAt = parts.beginAt ?? UNKNOWN_BEGINNING
  const isCured = isLost || (valid.kind === 'hold' && valid.code !== 'checkpoint.undecided')
  if (rewind !== undefined && isCured) {
    const record = kafka.found.kind === 'record' ? kafka.found.record : undefined
    const restart = restartAbove(document, record, parts.clock.now())
    return { ...firstDocument(restarted(restart, rewind, beginAt), claimant, restart.epoch), rewound: rewind.id }
  }
  const next =
    document === undefined
      ? firstDocument(firstState(parts), claimant)
      : claimed(document, validStateOf(document, valid), claimant)
  if (rewind === undefined) return next
  const { claim, committed } = next
  table.setAll(deltaWords(committed.state.index.delta))
  const state = rewound(committed.state, rewind, { epoch: claim.epoch, beginAt, table })
  return { ...next, rewound: rewind.id, committed: { ...committed, state } }
}

/** The valid state as the committed one. Without its commit record, none is missed later. */
function validStateOf(document: CheckpointDocument, valid: Valid): Committed {
  const { committed } = document
  if (valid.kind === 'pending') return committedByRecord(document)
  if (valid.kind !== 'hold') return { ...committed, hasRecord: valid.kind === 'committed' && valid.hasRecord }
  return { ...committed, hasRecord: false, state: withoutPending(document) }
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
  observe({ kind: 'stream-claimed', epoch, seq, history: scans.history.state, isNew: before === undefined, events })
  if (before === undefined) return
  const { owner: from } = before.claim
  if (from !== null && from !== owner) observe({ kind: 'taken-over', from, epoch })
  if (before.source.url !== after.source.url) observe({ kind: 'source-moved' })
  if (before.destination.partitions < after.destination.partitions) {
    observe({ kind: 'partitions-grown', from: before.destination.partitions, to: after.destination.partitions })
  }
}
