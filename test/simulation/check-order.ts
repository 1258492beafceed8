import type { Check, Evidence } from './evidence.ts'

/** A client on a page of a list that is frozen. */
interface Seen {
  /** Place among all reads, and what read it. */
  readonly at: number
  readonly session: string
  readonly scan: number
  readonly recordsBefore: number
  readonly content: unknown
  /** Place among the changes of its client of the one that it shows. */
  readonly version: number
}

/**
 * Invariant 3: an event is not older than what a scan with a higher number had read before, unless contents of the client came
 * back: then the newer one may have been suppressed, and its entry still has the number of an earlier scan.
 */
export const olderContents: Check = (evidence) => {
  const { stream, records, history } = evidence
  if (history.options.scans !== 'frozen') return []
  const clients = [...new Set(stream.polaris.changes.map(({ clientId }) => clientId))]
  return clients.flatMap((client) => {
    const contents = stream.polaris.changes.filter(({ clientId }) => clientId === client).map(({ content }) => content)
    if (new Set(contents).size < contents.length) return []
    const seen = seenOf(evidence, client)
    const isOlder = (one: Seen) =>
      seen.some((other) => {
        const isBefore = other.at < one.at && other.session === one.session
        return isBefore && other.scan > one.scan && other.version > one.version
      })
    return records
      .filter(({ event }) => event.subject === client)
      .flatMap(({ event, at }) => {
        const sources = seen.filter((one) => one.content === event.data.Contenu && one.recordsBefore <= at)
        return sources.length > 0 && sources.every(isOlder)
          ? [`${client}: ${event.data.Contenu} is older than what a later scan had read`]
          : []
      })
  })
}

function seenOf({ stream: { reads, polaris } }: Evidence, client: string): Seen[] {
  return reads.flatMap(({ page, at: { number }, replica, claim, recordsBefore }, at) => {
    const content = page?.clients.find(({ No }) => No === client)?.Contenu
    if (content === undefined) return []
    const first = reads.slice(0, at + 1).findLast((one) => one.at.number === number && one.at.checkPoint === null)
    const visible = polaris.changes.slice(0, first?.changesBefore ?? 0)
    const version = visible.findLastIndex((change) => change.clientId === client)
    return [{ at, session: `${replica} ${claim}`, scan: number, recordsBefore, content, version }]
  })
}
