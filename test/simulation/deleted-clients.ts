import { eventIn } from '../support/cloud-event.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { Change, SimulatedPolaris } from './simulated-polaris.ts'

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
