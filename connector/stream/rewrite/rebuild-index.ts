import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { publishedEvents } from '../../checkpoint/mismatch.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { committedByRecord, setByOperator } from '../../checkpoint/transitions.ts'
import { indexRulesWithLists } from '../../event/configured-events.ts'
import { emptyIndex, type SegmentReference } from '../../index/index-state.ts'
import { type NewSegment, writeBase, writeSegment } from '../../index/write-segment.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { UNKNOWN_BEGINNING } from '../../scan/scan-state.ts'
import type { StoredText } from '../../storage/versioned-object.ts'
import { mustBelong, mustNotHaveMoved, type OpenParts } from '../open/open-parts.ts'
import { type OperatorOpening, openAsOperator, startingOver } from './open-as-operator.ts'
import { type RebuildProgress, type TopicIndex, topicIndex } from './topic-index.ts'

interface RebuiltIndex {
  readonly after: CheckpointDocument
  readonly clients: number
}

export interface RebuildParts extends OpenParts {
  /** Rejects if a replica runs the stream, or may run it: it would be fenced, and claim the stream again. */
  readonly mustNotRun: (stop: AbortSignal) => Promise<void>
  readonly onProgress: (progress: RebuildProgress) => void
}

/**
 * Makes the client index again from the events in the topic. Reads the topic and stores the index before it opens the
 * stream as an operator, so that the opening is short; starts over if the document is replaced meanwhile. Rejects like
 * an opening, and with `command.invalid` if there is no checkpoint.
 */
export async function rebuildIndex(parts: RebuildParts, stop: AbortSignal): Promise<RebuiltIndex> {
  await parts.storeReady(stop)
  return await startingOver(parts, () => rebuildOnce(parts, stop), stop)
}

async function rebuildOnce(parts: RebuildParts, stop: AbortSignal): Promise<RebuiltIndex> {
  await parts.mustNotRun(stop)
  const stored = await parts.object.read(stop)
  const document = documentIn(stored)
  mustBelong(parts, document)
  const index = topicIndex({ ...parts, indexRules: indexRulesWithLists(parts.indexRules, newestLists(document)) })
  await index.read(parts.onProgress, stop)
  const epoch = document.claim.epoch + 1
  const write = (segment: NewSegment) => writeSegment({ ...parts, store: parts.index.store, epoch }, segment, stop)
  const segments = await writeBase({ ...parts, table: index.table, write }, stop)
  const next = async ({ resolved, claim }: OperatorOpening) => {
    const { resolution } = resolved
    if (resolution.kind === 'hold') throw new ConnectorError(resolution.code, `rebuild client index: ${resolution.why}`)
    // What was published since, and the events of a transaction that was open.
    await index.read(parts.onProgress, stop)
    const { state } = resolution.kind === 'pending' ? committedByRecord(document) : document.committed
    const rebuilt = rebuiltState(state, index, { epoch, segments })
    return { after: setByOperator({ ...document, ...claim.identity }, rebuilt, claim), clients: index.table.size() }
  }
  await mustNotHaveMoved(parts, stored, stop) // before fencing: the reading may have taken minutes
  return await openAsOperator(parts, { read: { stored, document }, published: publishedEvents(document), next }, stop)
}

/**
 * The lists that were settled last. Lists only grow, and both events and clients get their shape before they are hashed,
 * so they are right whichever state turns out to be valid; those of an older state would not be.
 */
export function newestLists({ committed, pending }: CheckpointDocument): readonly string[] {
  return (pending?.change.mapping ?? committed.state.mapping)?.lists ?? []
}

function documentIn(stored: StoredText | undefined): CheckpointDocument {
  if (stored !== undefined) return parseDocument(stored.text)
  throw new ConnectorError(
    'command.invalid',
    'rebuild client index: the stream has no checkpoint; run checkpoint reset first',
  )
}

function rebuiltState(
  state: StreamState,
  index: TopicIndex,
  { epoch, segments }: { epoch: number; segments: readonly SegmentReference[] },
): StreamState {
  const { contentsFrom } = state.index
  // Clients of the topic may be older than this document.
  const earliest = state.scans.earliest ?? (index.table.size() === 0 ? null : UNKNOWN_BEGINNING)
  return {
    ...state,
    scans: { ...state.scans, earliest },
    events: Math.max(state.events, index.events()),
    // No event id is used twice: the epoch is higher than every earlier generation.
    index: { ...emptyIndex, generation: epoch, contentsFrom, rules: index.rules, segments, delta: index.delta() },
  }
}
