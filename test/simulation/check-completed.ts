import { eventSource } from '../../connector/event/client-event.ts'
import { completedId } from '../../connector/event/scan-completed.ts'
import { FULL, scanWith } from '../../connector/scan/scan-state.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import { type Check, type Evidence, publishedIn } from './evidence.ts'
import { CONNECTOR } from './simulated-stream.ts'

interface CompletedEvent {
  readonly id: string
  readonly data: { readonly scan: string; readonly endOffsets: readonly number[] }
}

/** A transaction that the checkpoint prepared, and that ends a scan of all clients. */
interface Ending {
  readonly id: string
  readonly nonce: string
  readonly scan: string
  /** Place of its document. */
  readonly at: number
}

type Pending = NonNullable<Evidence['documents'][number]['document']['pending']>

function endingsOf(evidence: Evidence): Ending[] {
  const source = eventSource(CONNECTOR, evidence.stream.name)
  return evidence.documents.flatMap(({ document: { pending } }, at) => {
    const scan = pending === null ? undefined : endedBy(evidence, pending, at)
    if (pending === null || scan === undefined) return []
    return [{ id: completedId(source, pending.nonce), nonce: pending.nonce, scan, at }]
  })
}

function endedBy({ documents, history }: Evidence, { change }: Pending, at: number): string | undefined {
  const before = documents[at]?.document.committed.state
  if (before === undefined) return undefined
  const { scans, carriedOut } = change
  if (before.scans.backfill === 'due' && scans.backfill === 'done') return 'backfill'
  const isFullEnd = before.scans.fullDueAt !== null && scans.fullDueAt !== before.scans.fullDueAt
  if (isFullEnd && scanWith(scans, FULL) === undefined) return 'full'
  const ofAll = history.republications.filter(({ clients }) => clients === undefined).map(({ id }) => id)
  const isNew = ({ id }: { readonly id: string }) => before.carriedOut.every((one) => one.id !== id)
  const ended = carriedOut.filter((one) => isNew(one) && ofAll.includes(one.id))
  return ended.some(({ outcome }) => outcome === 'complete') ? 'republish' : undefined
}

/** Invariant 2: each end of a scan of all clients is in the progress topic once, with the transaction that ended it. */
export const announcedOtherwise: Check = (evidence) => {
  const { completed, documents } = evidence
  const endings = endingsOf(evidence)
  const announced = completed.map(({ value }) => JSON.parse(String(value)) as CompletedEvent)
  const committed = new Set(documents.map(({ document }) => document.committed.nonce))
  const seqOf = ({ at }: Ending) => documents[at]?.document.pending?.seq
  return [
    ...endings.flatMap(({ id, nonce, scan }) => {
      const { length } = announced.filter((event) => event.id === id && event.data.scan === scan)
      const isRight = committed.has(nonce) ? length === 1 : length <= 1
      return isRight ? [] : [`the end of a ${scan} scan is announced ${length} times`]
    }),
    ...announced.flatMap(({ id, data }) => {
      const ending = endings.find((one) => one.id === id)
      if (ending === undefined) return [`a ${data.scan} scan is announced that has not ended`]
      const later = untilRewritten(documents.slice(ending.at)).map(({ document }) => document.pending)
      const isRepeated = later.some((one) => one !== null && one.seq === seqOf(ending) && one.nonce !== ending.nonce)
      return isRepeated ? [`the transaction that announced a ${data.scan} scan was made again`] : []
    }),
  ]
}

/** An operator's state keeps the number of the transactions that it replaces, and is of a higher epoch. */
function untilRewritten(documents: Evidence['documents']): Evidence['documents'] {
  const epoch = documents[0]?.document.committed.epoch
  const rewritten = documents.findIndex(
    ({ document: { committed } }) => committed.by === 'operator' && committed.epoch !== epoch,
  )
  return rewritten < 0 ? documents : documents.slice(0, rewritten)
}

/** Documents that may be stored while the first page of a scan that a later one knows is being read. */
const READ_AHEAD = 4

/**
 * Invariant 1: up to the offsets that the end of a scan names, the topic has each client that existed before the scan, and
 * has neither changed nor been deleted or erased since.
 */
export const announcedTooEarly: Check = (evidence) => {
  const { stream, numbered, hanging, completed, documents } = evidence
  const { changes, deletions } = stream.polaris
  const endings = endingsOf(evidence)
  const withdrawn = new Set([
    ...deletions.map(({ clientId }) => clientId),
    ...numbered.flatMap(({ key, value }) => (value === null && key !== null ? [key] : [])),
  ])
  return completed.flatMap(({ value }) => {
    const { id, data } = JSON.parse(String(value)) as CompletedEvent
    const ending = endings.find((one) => one.id === id)
    if (ending === undefined) return []
    const found = data.endOffsets.flatMap((end, partition) =>
      recordsIn([...numbered, ...hanging], partition)
        .slice(0, end)
        .flatMap((record) => publishedIn(record) ?? [])
        .map(({ subject, data }) => `${subject} ${data?.Contenu}`),
    )
    const begun = firstWith(evidence, ending)
    const known = changes.slice(0, documents[Math.max(0, begun - READ_AHEAD)]?.changesBefore ?? 0)
    const steady = known.filter(
      ({ clientId }) => !withdrawn.has(clientId) && changes.filter((one) => one.clientId === clientId).length === 1,
    )
    return steady
      .filter(({ clientId, content }) => !found.includes(`${clientId} ${content}`))
      .map(({ clientId }) => `${clientId} is not in the topic up to the end of a ${data.scan} scan`)
  })
}

const recordsIn = (records: readonly FakeRecord[], partition: number) =>
  records.filter((record) => record.partition === partition && record.to === 'events')

/** The first of the documents in a row that know the scan, up to that of its end. */
function firstWith({ documents }: Evidence, { at, scan }: Ending): number {
  const isOf = (place: number) => {
    const { committed } = documents[place]?.document ?? {}
    const kind = scan === 'republish' ? 'requested' : scan
    return committed?.state.scans.background.some((one) => one.kind === kind) ?? false
  }
  let first = at
  while (first > 0 && isOf(first)) first -= 1
  return first
}
