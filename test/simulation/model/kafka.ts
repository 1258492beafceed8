import type { CommitRecord, FoundRecord } from '../../../connector/publish/event-publisher.ts'
import type { Bounds } from './bounds.ts'
import { count, has } from './document.ts'
import type { Kafka, Seen, Sent, World } from './world.ts'

/** Which marker of a transaction Kafka loses. */
export type Lost = 'none' | 'events' | 'record'

/** Ends the open transaction; one without a transaction is empty. A marker also applies to what hangs. */
export function ended(world: World, as: 'committed' | 'aborted', lost: Lost, bounds: Bounds): World {
  const { kafka, now } = world
  const { transaction } = kafka
  if (transaction === undefined) return world
  const { sent, record } = transaction
  let next: World = { ...world, kafka: { ...kafka, transaction: undefined } }
  if (lost !== 'none') next = { ...next, left: { ...next.left, lostMarkers: next.left.lostMarkers - 1 } }
  if (record !== undefined) {
    if (lost === 'record') next = withKafka({ ...next, isDisturbed: true }, { unstable: record })
    else next = withKafka(next, { unstable: undefined, ...(as === 'committed' && { record, recordAt: now }) })
  }
  return marked(next, [...kafka.hanging, sent], { as, isLost: lost === 'events' }, bounds)
}

/** Writes a marker for these records to the events topic. */
export function marked(
  world: World,
  records: readonly Sent[],
  { as, isLost }: { as: 'committed' | 'aborted'; isLost: boolean },
  bounds: Bounds,
): World {
  const next = withKafka(world, { hanging: isLost ? records : [] })
  return isLost || as === 'aborted' ? next : records.reduce((seen, sent) => withVisible(seen, sent, bounds), next)
}

/** A producer with the stream's transactional id: fences every other one, and aborts what is open. */
export function fenced(world: World, producer: string, lost: Lost, bounds: Bounds): World {
  return withKafka(ended(world, 'aborted', lost, bounds), { producer })
}

export function sent(world: World, producer: string, records: Sent, record?: CommitRecord): World {
  const transaction = { producer, sent: records, ...(record !== undefined && { record }) }
  return withKafka(world, { transaction, isEmpty: false })
}

/** Which markers the end of a transaction may lose. */
export function losses({ kafka: { transaction }, left }: World): Lost[] {
  if (transaction === undefined || left.lostMarkers === 0) return ['none']
  return transaction.record === undefined ? ['none', 'events'] : ['none', 'events', 'record']
}

export const withKafka = (world: World, change: Partial<Kafka>): World => ({
  ...world,
  kafka: { ...world.kafka, ...change },
})

/** Readers see the records. Invariants 2 and 3: each page once, in order. */
function withVisible(world: World, records: Sent, bounds: Bounds): World {
  if (records.kind === 'tombstones')
    return { ...world, seen: { ...world.seen, erased: world.seen.erased | (1 << records.by) } }
  const { generation, pages, first } = records
  const isNew = generation > world.seen.generation
  const before = isNew ? { ...world.seen, pages: 0, isLost: false } : world.seen
  const ever = world.seen.ever | pages
  const seen: Seen = { ...before, generation, pages: before.pages | pages, ever, events: first + count(pages) }
  return { ...world, seen, violation: world.violation ?? visibleViolation(world, before, records, bounds) }
}

function visibleViolation(
  { isReportedPaused }: World,
  before: Seen,
  { generation, pages, first }: Extract<Sent, { kind: 'events' }>,
  { commands, pages: all }: Bounds,
): string | undefined {
  if (isReportedPaused) return 'events are published while the stream is reported as paused'
  if (generation < before.generation) return 'an older index publishes'
  if (before.isLost) return 'events are published after lost ones'
  const furthest = Math.max(0, ...commands.map((command) => (command.kind === 'rewind' ? command.to : 0)))
  for (const [page, kind] of all.entries()) {
    if (!has(pages, page)) continue
    if (has(before.pages, page)) return `readers see page ${page} twice`
    const mustPrecede = (earlier: number) => !has(before.ever, earlier) || earlier >= furthest
    for (let earlier = 0; earlier < page; earlier += 1)
      if (kind === all[earlier] && mustPrecede(earlier) && !has(before.pages | pages, earlier))
        return `readers see page ${page} before page ${earlier}`
  }
  if (first < before.events) return `event ${first} follows event ${before.events - 1}`
}

/** The commit record as one OffsetFetch finds it. */
export function foundIn({ record, unstable, transaction }: Kafka): FoundRecord {
  if (unstable !== undefined || transaction?.record !== undefined) return { kind: 'unstable' }
  return record === undefined ? { kind: 'none' } : { kind: 'record', record }
}
