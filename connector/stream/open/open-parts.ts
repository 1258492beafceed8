import type { CheckpointDocument, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { mismatch, publishedEvents } from '../../checkpoint/mismatch.ts'
import type { CheckpointParts } from '../../checkpoint/stream-checkpoint.ts'
import type { StreamWishes } from '../../checkpoint/wishes.ts'
import type { Observe } from '../../pipeline/pipeline-event.ts'
import { type EventPublisher, type OpenOptions, withoutCheckpoint } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Semaphore } from '../../runtime/semaphore.ts'
import type { SourceTime } from '../../source/client-source.ts'
import type { StoredText } from '../../storage/versioned-object.ts'

export interface OpenParts extends CheckpointParts {
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** The name of the events topic. */
  readonly topic: string
  /** The stream's configured beginning; a stream without a checkpoint needs one. */
  readonly beginAt: SourceTime | undefined
  /** `shared`: the stream may start in a topic that has records of other writers. */
  readonly topicUse: 'exclusive' | 'shared'
  /** Resolves when the checkpoint store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly wishes: StreamWishes
  readonly publisher: EventPublisher
  /** Limits concurrent openings: each needs connections and round trips. */
  readonly openLimit: Semaphore
  /** The name of this replica. */
  readonly owner: string
  /** The present assignment of the stream. It may be outdated; the claim and the transactional id ensure safety. */
  readonly isAssigned: () => boolean
  readonly observe: Observe
}

/** What was read before fencing. */
export interface StoredDocument {
  readonly stored: StoredText | undefined
  /** Undefined: there is none, or it is damaged and a rewind replaces it. */
  readonly document: CheckpointDocument | undefined
}

/**
 * Checks, before anything is fenced or created, what the document and the settings show. Throws
 * `checkpoint.other-stream` or `checkpoint.topic-lost`.
 */
export function mustBelong({ identity, topic }: OpenParts, document: CheckpointDocument | undefined): void {
  const found = document && mismatch(document, { ...identity, destination: { clusterId: null, topic } })
  if (found !== undefined) throw new ConnectorError(found.code, `open stream: ${found.why}`)
}

/** How to open the producer of a stream with this document. */
export function openingOf(document: CheckpointDocument | undefined): OpenOptions {
  if (document === undefined) return withoutCheckpoint
  const { clusterId } = document.destination
  return { ...withoutCheckpoint, publishedEvents: publishedEvents(document), clusterId }
}

/** Re-read first: a predecessor may have replaced the document just before it was fenced. */
export async function mustNotHaveMoved(
  parts: OpenParts,
  before: StoredText | undefined,
  stop: AbortSignal,
): Promise<void> {
  const now = await parts.object.read(stop)
  if (now?.version !== before?.version)
    throw new ConnectorError(
      'checkpoint.conflict',
      'open stream: another process wrote the checkpoint at the same time',
    )
}
