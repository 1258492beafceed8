import type { CheckpointDocument, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { mismatch } from '../../checkpoint/mismatch.ts'
import { type KeptEvent, keptEvent, matchOf, type Resolution, resolveState } from '../../checkpoint/resolve.ts'
import { type StoredEvent, sequenceOf } from '../../event/cloud-event/stored-event.ts'
import type { ClientTable } from '../../index/client-table.ts'
import type {
  EventMatch,
  Inspection,
  KafkaState,
  OpenTransaction,
  StreamProducer,
} from '../../publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { firstWriter, heldByWriter, writersThatHold } from './first-writer.ts'
import type { OpenParts } from './open-parts.ts'

/** A stream whose previous producers are fenced. */
interface FencedStream {
  readonly producer: StreamProducer
  readonly document: CheckpointDocument | undefined
  /** The client index of its committed state; undefined: not loaded. */
  readonly table: ClientTable | undefined
}

type Resolved = Exclude<Resolution, { kind: 'needs-scan' }>

export interface ResolvedStream {
  readonly kafka: KafkaState
  readonly identity: StreamIdentity
  readonly resolution: Resolved
}

/** Determines which state is valid. Rejects with `publish.*` or the reason of `stop`. */
export async function resolveStream(
  parts: ResolvingParts,
  { producer, ...read }: FencedStream,
  stop: AbortSignal,
): Promise<ResolvedStream> {
  const { document } = read
  const kafka = await producer.readKafkaState({ formerProducerId: document?.producerId ?? null }, stop)
  const identity = { ...parts.identity, destination: kafka.destination }
  const mismatched = document && mismatch(document, identity)
  const resolution: Resolved =
    mismatched === undefined ? await resolveBy(parts, { ...read, ...kafka }, stop) : { kind: 'hold', ...mismatched }
  return { kafka, identity, resolution }
}

type ResolvingParts = Pick<OpenParts, 'identity' | 'clock' | 'offsetsRetentionMs' | 'index' | 'publisher' | 'topicUse'>

/** The input of a resolution: read through a producer, or by an inspection without one. */
type Evidence = Omit<FencedStream, 'producer'> & Inspection

/** Scans the events topic if the commit record is inconclusive. Rejects with `publish.*` or the reason of `stop`. */
export async function resolveBy(parts: ResolvingParts, evidence: Evidence, stop: AbortSignal): Promise<Resolved> {
  const { document, stored } = evidence
  if (document === undefined) return await resolveNew(parts, evidence, stop)
  const known = { ...stored, now: parts.clock.now(), retentionMs: parts.offsetsRetentionMs }
  const resolution = resolveState(document, known)
  if (resolution.kind !== 'needs-scan') return resolution

  const { eventSource: source } = parts.identity
  const kept = await keptIn(parts, { document, table: evidence.table }, stop)
  const matches = (event: StoredEvent) => matchOf(document, { sequence: sequenceOf(event, source), kept })
  const conclude = (visible: ReadonlySet<EventMatch>) => conclusive(resolveState(document, { ...known, visible, kept }))
  const byEventsSince = async (since: number) => {
    const visible = new Set<EventMatch>()
    const onVisible = (match: EventMatch) => visible.add(match)
    if (evidence.destination === undefined) return conclude(visible) // a missing topic has none
    await parts.publisher.readEvents({ since, onVisible, onProgress: () => {}, find: matches }, stop)
    return conclude(visible)
  }
  const recent = await byEventsSince(resolution.since)
  // The last event may be much older than the last transaction, which may contain only dead letters.
  const isOpen = recent.kind === 'hold' || ('isUnproven' in recent && recent.isUnproven)
  return isOpen ? await byEventsSince(0) : recent
}

/** A new stream must be the first writer of its topic, unless that is meant to be otherwise. */
async function resolveNew(
  parts: ResolvingParts,
  { stored, destination }: Evidence,
  stop: AbortSignal,
): Promise<Resolved> {
  const known = { ...stored, now: parts.clock.now(), retentionMs: parts.offsetsRetentionMs }
  const resolution = conclusive(resolveState(undefined, known))
  if (resolution.kind !== 'new' || destination === undefined) return resolution
  const writer = await firstWriter(parts.publisher, writersThatHold(parts.topicUse, parts.identity), stop)
  return writer === undefined ? resolution : heldByWriter(writer, parts.identity)
}

/** A damaged index must not prevent an operator from resetting or rebuilding it. */
async function keptIn(
  { index }: ResolvingParts,
  { document, table }: { readonly document: CheckpointDocument; readonly table: ClientTable | undefined },
  stop: AbortSignal,
): Promise<KeptEvent> {
  const { state } = document.committed
  try {
    return keptEvent(state, table ?? (await index.load({ nonce: document.nonce, index: state.index }, stop)))
  } catch (error) {
    if (codeOf(error).startsWith('checkpoint.index-')) return { kind: 'unknown' }
    throw error
  }
}

function conclusive(resolution: Resolution): Resolved {
  if (resolution.kind === 'needs-scan') throw new Error('still inconclusive after the scan')
  return resolution
}

/**
 * Runs before anything is published. Invariants 1 and 2: a hanging transaction of the resolved state is committed, any
 * other is aborted, and Kafka stores the commit record of the resolved state. `mustBeCurrent` rejects if the document
 * was replaced since it was read.
 */
export async function repairStream(
  { observe }: Pick<OpenParts, 'observe'>,
  of: { producer: StreamProducer; document: CheckpointDocument | undefined; resolved: ResolvedStream },
  { mustBeCurrent, stop }: { mustBeCurrent: () => Promise<void>; stop: AbortSignal },
): Promise<void> {
  const { producer, resolved } = of
  const { resolution, kafka } = resolved
  const { stored, open } = kafka
  const notOurs = open.filter(({ producerId }) => producerId !== producer.producerId)
  // Its events were sent after their state was prepared: it is that of `pending`.
  const as = resolution.kind === 'pending' ? 'committed' : 'aborted'
  if (notOurs.length > 0) throw hangingTransaction(notOurs, as)
  const record = 'record' in resolution ? resolution.record : stored.isUnstable ? drop : none
  if (open.length === 0 && record.kind === 'none') return
  await mustBeCurrent()
  await producer.repairTransactions({ hanging: open, as, record }, stop)
  observe({ kind: 'transactions-repaired', partitions: open.length, as, record: record.kind })
}

const none = { kind: 'none' } as const
const drop = { kind: 'drop' } as const

function hangingTransaction(open: readonly OpenTransaction[], as: 'committed' | 'aborted'): ConnectorError {
  const places = open.map(
    ({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`,
  )
  const [{ producerId } = { producerId: '' }] = open
  // Invariants 1, 2: an abort of a decided transaction would withdraw events that count as published.
  const cure = as === 'committed' ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${producerId} in ${places.join(', ')}: ${cure}`,
  )
}
