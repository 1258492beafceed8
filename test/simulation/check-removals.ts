import { REMOVED_TYPE } from '../../connector/event/removal-records.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { Check } from './evidence.ts'
import type { Change, Deletion, SimulatedPolaris } from './simulated-polaris.ts'

/** What a record says about its client: the type of its event, also of a tombstone. */
export function typeOf(record: FakeRecord): string {
  return record.value === null ? String(record.headers.ce_type) : (JSON.parse(record.value) as { type: string }).type
}

/**
 * Each removal follows an event of a client that did not exist at some time since, and has one event, and one tombstone
 * if it is configured.
 */
export const wrongRemovals: Check = ({ stream, numbered, history }) => {
  const records = numbered.map((record) => ({ ...record, type: typeOf(record) }))
  const perRemoval = history.options.removed === 'event and tombstone' ? 2 : 1
  return [...Map.groupBy(records, ({ key }) => key)].flatMap(([client, own]) => {
    const deletions = stream.polaris.deletions.filter(({ clientId }) => clientId === client)
    return own.flatMap((record, index) => {
      if (record.type !== REMOVED_TYPE || own[index - 1]?.type === REMOVED_TYPE) return []
      const next = own.findIndex(({ type }, at) => at > index && type !== REMOVED_TYPE)
      const count = (next < 0 ? own.length : next) - index
      const since = own[index - 1]?.at ?? 0
      const wasGone = deletions.some((deletion) => isDuring(deletion, since, record.at))
      return [
        ...(wasGone ? [] : [`${client} was removed although it existed`]),
        ...(count === perRemoval ? [] : [`a removal of ${client} has ${count} records`]),
      ]
    })
  })
}

const isDuring = ({ recordsBefore, endsAt }: Deletion, since: number, until: number) =>
  recordsBefore <= until && (endsAt === undefined || endsAt >= since)

export function isDeleted({ deletions }: SimulatedPolaris, client: string): boolean {
  return deletions.some(({ clientId, endsAt }) => clientId === client && endsAt === undefined)
}

/** Whether the client was deleted after this change: if it was returned, only a full scan finds it. */
export function wasDeletedSince({ deletions, changes }: SimulatedPolaris, change: Change): boolean {
  const at = changes.indexOf(change)
  return deletions.some(({ clientId, changesBefore }) => clientId === change.clientId && changesBefore > at)
}

/** Clients of whom the last record says something else than whether they exist. */
export function unremoved(polaris: SimulatedPolaris, records: readonly FakeRecord[]): string[] {
  const last = new Map(records.filter(({ to }) => to === 'events').map((record) => [record.key ?? '', typeOf(record)]))
  return [...last].flatMap(([client, type]) => {
    if (type === 'client.erased' || isDeleted(polaris, client) === (type === REMOVED_TYPE)) return []
    return [`${client} ${type === REMOVED_TYPE ? 'exists, but is removed' : 'is not removed'}`]
  })
}
