import { hashedId } from '../../connector/index/index-entry.ts'
import type { Check } from './evidence.ts'
import { LONGEST_REACH_MS } from './simulated-parts.ts'

/** A rewind is applied once, and none that nobody has asked for. */
export const rewoundTwice: Check = ({ stream, documents }) => {
  const applied = documents.flatMap(({ document: { rewound } }, index) =>
    rewound === null || rewound === documents[index - 1]?.document.rewound ? [] : [rewound],
  )
  const twice = applied.filter((id, index) => applied.indexOf(id) !== index)
  const unasked = applied.filter((id) => !stream.rewinds.has(id))
  return [
    ...twice.map((id) => `rewind ${id} is applied twice`),
    ...unasked.map((id) => `rewind ${id} is applied, and was not stored`),
  ]
}

/**
 * After a rewind that publishes again, and the end of its history, every client (of those it names) is published again that
 * the topic had before, unless it was deleted meanwhile. A late change may move its client behind the scan: a look-back publishes it,
 * unless the change is later than the longest look-back, or the stream has a permanent fault.
 */
export const notRepublished: Check = ({ history, stream, records, documents, generations, forgotten }) => {
  const begunAt = generations.at(-1) ?? -1
  const asked = forgotten.at(-1)
  const last = documents.at(-1)?.document.committed.state
  const isOfSome = asked !== undefined && asked.at > begunAt
  const since = isOfSome ? asked.at : begunAt
  if (since < 0 || last?.scans.history.state !== 'done') return []
  const before = new Set(records.filter(({ at }) => begunAt <= at && at < since).map(({ event }) => event.subject))
  const all = new Set(records.filter(({ at }) => at < since).map(({ event }) => event.subject))
  const due = isOfSome ? [...before].filter((client) => asked.clients.has(hashedId(client))) : [...all]
  const after = new Set(records.filter(({ at }) => at >= since).map(({ event }) => event.subject))
  const isFaulty = history.options.permanentFault !== 'none' && stream === history.streams[0]
  const moved = stream.polaris.changes.filter(({ lateMs }) => lateMs > (isFaulty ? 0 : LONGEST_REACH_MS))
  const wasGone = (client: string) =>
    stream.polaris.deletions.some(({ clientId, endsAt }) => {
      return clientId === client && (endsAt === undefined || endsAt >= since)
    })
  return due.flatMap((client) =>
    after.has(client) || wasGone(client) || moved.some(({ clientId }) => clientId === client)
      ? []
      : [`${client} is not published again`],
  )
}

/** Events of the history after such a rewind name it, and no others do. */
export const wronglyNamed: Check = ({ stream, records }) =>
  records.flatMap(({ event: { republished, sequence } }) =>
    republished === undefined || stream.rewinds.has(republished)
      ? []
      : [`event ${Number(sequence)} names ${republished}, which is no rewind`],
  )

/** While an operator was told that the stream is paused, nothing of it became visible. */
export const publishedWhilePaused: Check = ({ stream, numbered }) =>
  stream.pauses.flatMap(({ from, until }) =>
    numbered
      .filter(({ at }) => at >= from && at < until)
      .map(({ key }) => `${key} is published while the stream is reported as paused`),
  )
