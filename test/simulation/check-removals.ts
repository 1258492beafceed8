import { REMOVED_TYPE } from '../../connector/event/removal-records.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { Check } from './evidence.ts'
import type { Change, Deletion, SimulatedPolaris } from './simulated-polaris.ts'
import type { Read, SimulatedStream } from './simulated-stream.ts'

const ERASED = 'client.erased'

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

type Found = Pick<SimulatedStream, 'name' | 'polaris' | 'reads' | 'wasRebuilt'>

/**
 * Whether a page returned the client since, although its request began before the tombstone of the erased client was
 * visible: what it returned counts as what was erased. `records`: all that are visible.
 */
function wasErased(
  { name, reads, wasRebuilt }: Found,
  records: readonly FakeRecord[],
  change: Change,
  isSince: SinceTest,
): boolean {
  const erasedAt = records.findLastIndex(
    (record) => record.stream === name && record.key === change.clientId && typeOf(record) === ERASED,
  )
  const returned = reads.filter((read) => read.page?.clients.some(({ No }) => No === change.clientId))
  // A rebuilt index may not know the content that was erased: the first one that is returned counts as that.
  const first = wasRebuilt && erasedAt >= 0 ? returned.find(({ recordsBefore }) => recordsBefore > erasedAt) : undefined
  return [...returned.filter(({ recordsBefore }) => recordsBefore <= erasedAt), ...(first ? [first] : [])].some(
    (read) =>
      isSince(read) &&
      read.page?.clients.some(({ No, Contenu }) => No === change.clientId && Contenu === change.content),
  )
}
type SinceTest = (read: Read) => boolean

/** Whether the change counts as what was erased. */
export const wasErasedWith = (stream: Found, records: readonly FakeRecord[], change: Change): boolean =>
  wasErased(stream, records, change, ({ answered }) => answered.at >= change.at)

/**
 * Clients of whom the last record says something else than whether they exist. An erased client says nothing, unless it
 * was removed before, and is back.
 */
export function unremoved(stream: Found, records: readonly FakeRecord[]): string[] {
  const { polaris, name } = stream
  const own = records.filter((record) => record.to === 'events' && record.stream === name)
  return [...Map.groupBy(own, ({ key }) => key ?? '')].flatMap(([client, all]) => {
    const types = all.map(typeOf)
    const type = types.findLast((one) => one !== ERASED)
    const isRemoved = type === REMOVED_TYPE
    if (isDeleted(polaris, client) === isRemoved) return []
    if (types.at(-1) !== ERASED) return [`${client} ${isRemoved ? 'exists, but is removed' : 'is not removed'}`]
    const last = polaris.changes.findLast(({ clientId }) => clientId === client)
    const backAt = polaris.deletions.findLast(({ clientId }) => clientId === client)?.endsAt ?? 0
    const isErasedNow =
      last === undefined || wasErased(stream, records, last, ({ answered }) => answered.records >= backAt)
    return !isRemoved || isErasedNow ? [] : [`${client} exists, but was removed and erased`]
  })
}
