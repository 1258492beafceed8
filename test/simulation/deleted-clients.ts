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
