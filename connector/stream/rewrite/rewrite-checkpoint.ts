import { type CheckpointDocument, parseDocument, type StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { publishedEvents } from '../../checkpoint/mismatch.ts'
import { beginning, type StreamState } from '../../checkpoint/stream-state.ts'
import { type Claimant, committedByRecord, firstDocument, setByOperator } from '../../checkpoint/transitions.ts'
import { emptyIndex } from '../../index/index-state.ts'
import type { FoundRecord } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { RECHECK, type ScanStates } from '../../scan/scan-state.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { instantOf } from '../../source/source-time.ts'
import type { OpenParts } from '../open/open-parts.ts'
import type { ResolvedStream } from '../open/resolve-stream.ts'
import { type OperatorOpening, openAsOperator, startingOver } from './open-as-operator.ts'

/** What an operator asks for. */
export interface RewriteRequest {
  /**
   * `read-again`: a background scan reads again from a time; `reset`: the backfill runs again; `skip`: scans continue at
   * a time, and what lies before is not read.
   */
  readonly to: { readonly kind: 'read-again' | 'skip'; readonly from: SourceTime } | { readonly kind: 'reset' }
  /** Drops the contents of the client index, so that unchanged clients are published again too. */
  readonly republish: boolean
  /** The server's time zone (IANA name). */
  readonly timeZone: string
}

/** The state before and after an operator's rewrite. */
export interface Rewrite {
  /** The state that was valid before, or why it cannot be determined. */
  readonly before:
    | { readonly kind: 'state'; readonly state: StreamState }
    | { readonly kind: 'none' }
    | { readonly kind: 'unknown'; readonly why: string }
  readonly after: CheckpointDocument
}

/**
 * Opens the stream as an operator and replaces the document with the requested resume point. Starts over if the document
 * is replaced meanwhile. The event count never decreases if the document can be read.
 */
export async function rewriteCheckpoint(
  parts: OpenParts,
  request: RewriteRequest,
  stop: AbortSignal,
): Promise<Rewrite> {
  await parts.storeReady(stop)
  return await startingOver(parts, () => rewriteOnce(parts, request, stop), stop)
}

async function rewriteOnce(parts: OpenParts, request: RewriteRequest, stop: AbortSignal): Promise<Rewrite> {
  const stored = await parts.object.read(stop)
  const read = stored === undefined ? undefined : readableDocument(stored.text)
  const document = read instanceof ConnectorError ? undefined : read
  const isKept = document?.destination.topic === parts.topic && !request.republish
  const published = document !== undefined && isKept ? publishedEvents(document) : 0
  const next = async ({ resolved, claim }: OperatorOpening) => {
    const before = read instanceof ConnectorError ? unknown(read.message) : stateBefore(document, resolved)
    const { found } = resolved.kafka
    return { before, after: rewritten({ document, before, found, claim, request }) }
  }
  return await openAsOperator(parts, { read: { stored, document }, published, next }, stop)
}

const unknown = (why: string) => ({ kind: 'unknown', why }) as const

function stateBefore(document: CheckpointDocument | undefined, { resolution }: ResolvedStream): Rewrite['before'] {
  if (document === undefined) return { kind: 'none' }
  if (resolution.kind === 'hold') return unknown(resolution.why)
  const committed = resolution.kind === 'pending' ? committedByRecord(document) : document.committed
  return { kind: 'state', state: committed.state }
}

function readableDocument(text: string): CheckpointDocument | ConnectorError {
  try {
    return parseDocument(text)
  } catch (error) {
    if (error instanceof ConnectorError) return error
    throw error
  }
}

interface RewriteFrom {
  readonly document: CheckpointDocument | undefined
  readonly before: Rewrite['before']
  readonly found: FoundRecord
  readonly claim: Claimant & { readonly identity: StreamIdentity }
  readonly request: RewriteRequest
}

/** Pure. The new epoch is above those of the document and the commit record, so that no older record is newer. */
function rewritten({ document, before, found, claim, request }: RewriteFrom): CheckpointDocument {
  const base =
    document === undefined ? firstDocument(claim.identity, beginning, claim) : { ...document, ...claim.identity }
  const record = found.kind === 'record' ? found.record : undefined
  const epoch = Math.max(base.claim.epoch, record?.epoch ?? 0)
  const events = Math.max(document === undefined ? 0 : publishedEvents(document), record?.events ?? 0)
  // A new generation: no event id is used twice.
  const lost = { ...beginning, events, index: { ...emptyIndex, generation: epoch + 1 } }
  const state = moved(before.kind === 'state' ? before.state : lost, request, claim.at)
  return setByOperator({ ...base, claim: { ...base.claim, epoch } }, state, claim)
}

function moved(state: StreamState, { to, republish, timeZone }: RewriteRequest, now: number): StreamState {
  const index = republish ? { ...state.index, contentsFrom: state.events } : state.index
  // Without its state, a part begins again what it has not ended.
  const ended = { ...state.scans, live: { ...state.scans.live, scan: null }, background: [] }
  switch (to.kind) {
    case 'reset':
      return { ...state, index, recheck: null, parts: {}, scans: { ...ended, backfill: 'due' } }
    case 'read-again': {
      const from = state.recheck !== null && state.recheck.from < to.from ? state.recheck.from : to.from
      const background = state.scans.background.filter(({ tag }) => tag !== RECHECK)
      const recheck = { from, after: state.scans.begun, dueAt: 0 }
      return { ...state, index, scans: { ...state.scans, background }, recheck }
    }
    case 'skip':
      return {
        ...state,
        index,
        recheck: null,
        parts: {},
        scans: skippedTo(ended, instantOf(to.from, timeZone, 'earlier'), now),
      }
  }
}

/** As if all scans had read everything before the instant. */
function skippedTo(scans: ScanStates, instant: number, now: number): ScanStates {
  const startedAt = Math.min(instant, now)
  return {
    ...scans,
    createdAt: scans.createdAt ?? startedAt,
    live: { startedAt: instant, scan: null },
    lookBacks: scans.lookBacks.map((one) => ({ ...one, startedAt })),
    backfill: 'done',
  }
}
