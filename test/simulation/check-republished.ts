import type { Check, Evidence } from './evidence.ts'
import { LONGEST_REACH_MS } from './simulated-parts.ts'

const markOf = ({ event }: Evidence['records'][number]) => event.republished

/**
 * Invariants 2 and 7: an unchanged client is published once for each request, and no id is used twice. A request that has
 * not ended begins again when an operator resets the stream.
 */
export const republishedTwice: Check = ({ records, documents }) => {
  const marked = records.filter((record) => markOf(record) !== undefined)
  const ids = Map.groupBy(records, ({ event }) => event.id)
  const resets = documents.filter(({ document: { committed, nonce } }) => {
    const isRewritten = !committed.hasRecord && committed.nonce === nonce
    return isRewritten && !('republish' in committed.state.parts)
  })
  const lifeOf = (at: number) => resets.filter(({ recordsBefore }) => recordsBefore <= at).length
  const perRequest = Map.groupBy(
    marked,
    (record) => `${record.event.subject} for request ${markOf(record)}${'.'.repeat(lifeOf(record.at))}`,
  )
  return [
    ...[...perRequest].flatMap(([what, { length }]) =>
      length === 1 ? [] : [`${what.replace(/\.*$/, '')} is published ${length} times`],
    ),
    ...marked.flatMap(({ event }) =>
      ids.get(event.id)?.length === 1 ? [] : [`the id of ${event.subject}, published again, is used twice`],
    ),
  ]
}

/** Invariant 3: a client that is published again has the content of its last event. */
export const republishedOlder: Check = ({ numbered, records }) => {
  const contents = new Map(records.map(({ event }) => [Number(event.sequence), event]))
  const last = new Map<string | null, string | undefined>()
  return numbered
    .toSorted((one, other) => one.number - other.number)
    .flatMap(({ key, number }) => {
      const event = contents.get(number)
      const before = last.get(key)
      last.set(key, event?.data.Contenu)
      return event?.republished === undefined || event.data.Contenu === before
        ? []
        : [`${key} is published again with ${event.data.Contenu} after ${before}`]
    })
}

/**
 * A complete request has published every client again that the topic had before, unless it was deleted meanwhile. A late change may
 * move its client behind the scan: a look-back publishes it, unless the change is later than the longest look-back, or the
 * stream has a permanent fault.
 */
export const notRepublished: Check = ({ history, stream, numbered }) =>
  history.republications
    .filter((one) => one.stream === stream.name && one.outcome === 'complete')
    .flatMap(({ id, recordsBefore, recordsAtEnd, clients }) => {
      const published = new Set(numbered.filter(({ at }) => at < recordsBefore).map(({ key }) => key))
      const due = [...published].filter((key) => clients?.includes(key ?? '') ?? true)
      const isFaulty = history.options.permanentFault !== 'none' && stream === history.streams[0]
      const moved = stream.polaris.changes.filter(({ lateMs }) => lateMs > (isFaulty ? 0 : LONGEST_REACH_MS))
      const wasGone = (client: string | null) =>
        stream.polaris.deletions.some(
          ({ clientId, endsAt, ...deletion }) =>
            clientId === client &&
            deletion.recordsBefore <= recordsAtEnd &&
            (endsAt === undefined || endsAt >= recordsBefore),
        )
      const after = new Set(numbered.filter(({ at }) => at >= recordsBefore).map(({ key }) => key))
      return due.flatMap((key) =>
        after.has(key) || wasGone(key) || moved.some(({ clientId }) => clientId === key)
          ? []
          : [`${key} is not published again for request ${id}`],
      )
    })
