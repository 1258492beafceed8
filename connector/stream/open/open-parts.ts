import type { StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { CheckpointParts } from '../../checkpoint/stream-checkpoint.ts'
import type { StreamWishes } from '../../checkpoint/wishes.ts'
import type { Observe } from '../../pipeline/pipeline-event.ts'
import type { EventPublisher } from '../../publish/event-publisher.ts'
import type { Semaphore } from '../../runtime/semaphore.ts'
import type { SourceTime } from '../../source/client-source.ts'

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
