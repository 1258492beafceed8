import { ERASED_TYPE } from '../../connector/event/cloud-event/tombstone.ts'
import { eventIn } from '../support/cloud-event.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { Change, SimulatedPolaris } from './simulated-polaris.ts'
import type { SimulatedStream } from './simulated-stream.ts'

/** What a record says about its client: the type of its event, also of a tombstone. */
export const typeOf = (record: FakeRecord) => String(eventIn(record).type)

export function isDeleted({ deletions }: SimulatedPolaris, client: string): boolean {
  return deletions.some(({ clientId, endsAt }) => clientId === client && endsAt === undefined)
}

/** Whether the client was deleted after this change: if it was returned, only a full scan finds it. */
export function wasDeletedSince(
  { deletions, changes }: Pick<SimulatedPolaris, 'deletions' | 'changes'>,
  change: Change,
): boolean {
  const at = changes.indexOf(change)
  return deletions.some(({ clientId, changesBefore }) => clientId === change.clientId && changesBefore > at)
}

type Expired = ReadonlyMap<FakeRecord, number>

/** Whether an index that was made again from the topic may lack the record: retention has removed it. */
export const isForgotten = ({ rebuiltAt }: Pick<SimulatedStream, 'rebuiltAt'>, expired: Expired, record: FakeRecord) =>
  rebuiltAt.length > 0 && expired.has(record)

/**
 * Whether a page returned the client since, although its request began before the tombstone of the erased client was
 * visible: what it returned counts as what was erased. `records`: all that are visible.
 */
export function wasErasedWith(
  { name, reads, rebuiltAt }: Pick<SimulatedStream, 'name' | 'reads' | 'rebuiltAt'>,
  records: readonly FakeRecord[],
  change: Change,
): boolean {
  const erasedAt = records.findLastIndex(
    (record) => record.stream === name && record.key === change.clientId && typeOf(record) === ERASED_TYPE,
  )
  const published = records.findLastIndex(
    (record) => record.stream === name && record.key === change.clientId && record.value !== null,
  )
  // Without its mark, an index that was made again since does not know the content: the first that it reads counts.
  if (erasedAt > published && rebuiltAt.some((at) => at > published)) return true
  // A client that has this content again, and had none other that is published, is not told from the erased one.
  const isBack = erasedAt > published
  return reads
    .filter(({ recordsBefore }) => recordsBefore <= erasedAt)
    .some(
      (read) =>
        (isBack || read.answered.at >= change.at) &&
        read.page?.clients.some(({ No, Contenu }) => No === change.clientId && Contenu === change.content),
    )
}
