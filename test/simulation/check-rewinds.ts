import { hashedId } from '../../connector/index/index-entry.ts'
import { type Check, type Evidence, isNamed } from './evidence.ts'
import { beginAt, LONGEST_REACH_MS } from './simulated-parts.ts'

/** A rewind is applied once, and none that nobody has asked for. */
export const rewoundTwice: Check = ({ stream, documents }) => {
  const applied = documents.flatMap(({ document: { appliedRewind } }, index) =>
    appliedRewind === null || appliedRewind === documents[index - 1]?.document.appliedRewind ? [] : [appliedRewind],
  )
  const twice = applied.filter((id, index) => applied.indexOf(id) !== index)
  const unasked = applied.filter((id) => !stream.rewinds.has(id))
  return [
    ...twice.map((id) => `rewind ${id} is applied twice`),
    ...unasked.map((id) => `rewind ${id} is applied, and was not stored`),
  ]
}

/**
 * After a rewind to the beginning that republishes, and the end of its history, every client (of those it names) is
 * published again that the topic had before, unless it was deleted meanwhile. A late change may move its client behind the
 * scan: a look-back publishes it, unless the change is later than the longest look-back, or the stream has a permanent fault.
 */
export const notRepublished: Check = ({ history, stream, records, documents, republished }) => {
  const last = documents.at(-1)?.document.committed.state
  if (last?.scans.history.state !== 'done') return []
  const isFaulty = history.options.permanentFault !== 'none' && stream === history.streams[0]
  const moved = stream.polaris.changes.filter(({ lateMs }) => lateMs > (isFaulty ? 0 : LONGEST_REACH_MS))
  return republished
    .filter(({ to }) => to === null)
    .flatMap(({ at: since, clients }) => {
      const before = new Set(records.filter(({ at }) => at < since).map(({ event }) => event.subject))
      const after = new Set(records.filter(({ at }) => at >= since).map(({ event }) => event.subject))
      const due = [...before].filter((client) => clients?.has(hashedId(client)) ?? true)
      const wasGone = (client: string) =>
        stream.polaris.deletions.some(({ clientId, endsAt }) => {
          return clientId === client && (endsAt === undefined || endsAt >= since)
        })
      return due.flatMap((client) =>
        after.has(client) || wasGone(client) || moved.some(({ clientId }) => clientId === client)
          ? []
          : [`${client} is not published again`],
      )
    })
}

/** An event that is marked names a rewind that republishes. */
export const wronglyNamed: Check = ({ stream, records }) =>
  records.flatMap(({ event: { republished, sequence } }) =>
    republished === undefined || stream.rewinds.get(republished)?.republish === true
      ? []
      : [`event ${Number(sequence)} names ${republished}, which is no rewind that republishes`],
  )

/** If no rewind before it asked for all clients, an event is marked only if its client was asked for by name. */
export const markedUnasked: Check = (evidence) => {
  const { records, republished, generations } = evidence
  return records.flatMap(({ event, at }) => {
    if (event.republished === undefined) return []
    const isOfAll =
      generations.some((begunAt) => begunAt <= at) ||
      republished.some(({ at: since, clients }) => since <= at && clients === undefined)
    return isOfAll || isNamed(evidence, event.subject, { since: -1, until: at })
      ? []
      : [`event ${Number(event.sequence)} is marked, and nobody asked for ${event.subject}`]
  })
}

/** In one index, only an event that is marked repeats what the topic has, unless its client was asked for by name. */
export const unmarkedAgain: Check = (evidence) => {
  const { stream, records, generations } = evidence
  const last = new Map<string, Evidence['records'][number]>()
  return records.flatMap((record) => {
    const { event, at } = record
    const { subject, data } = event
    const before = last.get(subject)
    last.set(subject, record)
    if (before?.event.text !== event.text || event.republished !== undefined) return []
    const isAllowed =
      generations.some((begunAt) => before.at < begunAt && begunAt <= at) ||
      isNamed(evidence, subject, { since: before.at, until: at })
    const same = stream.polaris.changes.filter(({ clientId, content }) => {
      return clientId === subject && content === data.Contenu
    })
    // A content that came back may look like this where an erasure or a late change is between.
    return isAllowed || same.length > 1 ? [] : [`${subject}: ${data.Contenu} comes again without a mark`]
  })
}

/** Only histories that began at the configured beginning count as full scans: a rewind to a later time delays none. */
export const countedAsFull: Check = ({ stream, documents }) => {
  const startsOf = documents.map(({ document }) => document.committed.state.scans.history.startedAt)
  const counted = new Set(startsOf.filter((startedAt) => startedAt !== null)).size
  const begun = stream.reads.filter(({ at }) => at.checkPoint === null && at.lastChanged === beginAt).length
  return counted <= begun ? [] : [`${counted} histories count as full scans, and ${begun} began at the beginning`]
}

/** While an operator was told that the stream is paused, nothing of it became visible. */
export const publishedWhilePaused: Check = ({ stream, numbered }) =>
  stream.pauses.flatMap(({ from, until }) =>
    numbered
      .filter(({ at }) => at >= from && at < until)
      .map(({ key }) => `${key} is published while the stream is reported as paused`),
  )
