import { ERASED_TYPE, REMOVED_TYPE } from '../../connector/event/cloud-event/tombstone.ts'
import { eventIn } from '../support/cloud-event.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import type { Check } from './evidence.ts'
import type { Change, Deletion, SimulatedPolaris } from './simulated-polaris.ts'
import type { Read, SimulatedStream } from './simulated-stream.ts'

/** What a record says about its client: the type of its event, also of a tombstone. */
export const typeOf = (record: FakeRecord) => String(eventIn(record).type)

/**
 * Each removal follows an event of a client that did not exist at some time since, and has one event, and one tombstone
 * if it is configured; in binary mode, only the tombstone.
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
        // In binary mode, the removal itself is the tombstone.
        ...(count === (record.value === null ? 1 : perRemoval) ? [] : [`a removal of ${client} has ${count} records`]),
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
export function wasDeletedSince(
  { deletions, changes }: Pick<SimulatedPolaris, 'deletions' | 'changes'>,
  change: Change,
): boolean {
  const at = changes.indexOf(change)
  return deletions.some(({ clientId, changesBefore }) => clientId === change.clientId && changesBefore > at)
}

/**
 * Whether a client did not exist after so many records, or did not before and no page had returned it since (`isMarked`:
 * as the checkpoint says): if it is erased then, what is read next is a change.
 */
export const wasAbsentAt = (
  { deletions }: SimulatedPolaris,
  client: string,
  { at, isMarked }: { readonly at: number; readonly isMarked: boolean },
): boolean =>
  deletions.some(
    ({ clientId, recordsBefore, endsAt = Number.POSITIVE_INFINITY }) =>
      clientId === client && recordsBefore <= at && (at < endsAt || isMarked),
  )

type Expired = ReadonlyMap<FakeRecord, number>

/** Whether an index that was made again from the topic may lack the record: retention has removed it. */
export const isForgotten = ({ rebuiltAt }: Pick<SimulatedStream, 'rebuiltAt'>, expired: Expired, record: FakeRecord) =>
  rebuiltAt.length > 0 && expired.has(record)

type Found = Pick<SimulatedStream, 'name' | 'polaris' | 'reads' | 'rebuiltAt'>

/**
 * Whether a page returned the client since, although its request began before the tombstone of the erased client was
 * visible: what it returned counts as what was erased. `records`: all that are visible.
 */
function wasErased(
  { name, reads, rebuiltAt }: Found,
  records: readonly FakeRecord[],
  change: Change,
  isSince: SinceTest,
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
        (isBack || isSince(read)) &&
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
export function unremoved(stream: Found, records: readonly FakeRecord[], expired: Expired): string[] {
  const { polaris, name } = stream
  const own = records.filter((record) => record.to === 'events' && record.stream === name)
  return [...Map.groupBy(own, ({ key }) => key ?? '')].flatMap(([client, all]) => {
    const types = all.map(typeOf)
    const type = types.findLast((one) => one !== ERASED_TYPE)
    const isRemoved = type === REMOVED_TYPE
    if (isDeleted(polaris, client) === isRemoved) return []
    // The topic no longer has the id of the client.
    const event = all.findLast(({ value }) => value !== null)
    if (!isRemoved && event !== undefined && expired.has(event)) return []
    if (types.at(-1) !== ERASED_TYPE) return [`${client} ${isRemoved ? 'exists, but is removed' : 'is not removed'}`]
    const last = polaris.changes.findLast(({ clientId }) => clientId === client)
    const backAt = polaris.deletions.findLast(({ clientId }) => clientId === client)?.endsAt ?? 0
    const isErasedNow =
      last === undefined || wasErased(stream, records, last, ({ answered }) => answered.records >= backAt)
    return !isRemoved || isErasedNow ? [] : [`${client} exists, but was removed and erased`]
  })
}
