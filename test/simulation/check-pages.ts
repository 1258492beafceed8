import type { Scan } from '../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../connector/source/client-source.ts'
import { wasDeletedSince } from './deleted-clients.ts'
import type { Check, Evidence } from './evidence.ts'
import type { Read } from './simulated-stream.ts'

/**
 * Invariant 1: when the checkpoint moves past a page, the topic has each client of that page with its content or a
 * later one, unless clients are to be read again; then it has them once they were.
 */
export const savedTooEarly: Check = (evidence) => {
  const pages = Map.groupBy(evidence.stream.reads, tokenOf)
  const passed = new Set<string>()
  let owed: Passed[] = []
  return evidence.documents.flatMap((stored) => {
    const { committed } = stored.document
    const { scans, recheck } = committed.state
    const isSettled = recheck === null
    const isFound = publishedBefore(evidence, stored.recordsBefore)
    const all = scans.live.scan === null ? scans.background : [...scans.background, scans.live.scan]
    const missing = all.flatMap((scan): Passed[] => {
      const token = `${scan.lastChanged} ${scan.checkPoint}`
      if (scan.checkPoint === null || passed.has(token)) return []
      passed.add(token)
      return missingOf(scan, pages.get(token) ?? [], isFound)
    })
    const lost = isSettled ? [...missing, ...owed.filter(mustBePublished(evidence, stored, isFound))] : []
    owed = isSettled ? [] : [...owed, ...missing]
    return lost.map(({ scan, clients: [client] }) => {
      const { No, Contenu } = client ?? {}
      return `the checkpoint is past a page of the ${scan.kind} scan with ${No} ${Contenu}, which is not in the topic`
    })
  })
}

/** Clients of a page that the checkpoint is past although they were not published. */
interface Passed {
  readonly scan: Scan
  readonly clients: readonly ClientRecord[]
}

/** In the topic. */
type IsFound = (client: ClientRecord) => boolean

const tokenOf = ({ at, page }: Read) => `${at.lastChanged} ${page?.checkPoint}`

/** A page that was read twice may have had different clients each time. */
function missingOf(scan: Scan, readings: readonly Read[], isFound: IsFound): Passed[] {
  const clients = readings.map(({ page }) => page?.clients.filter((client) => !isFound(client)) ?? [])
  const [first] = clients
  return first === undefined || clients.some(({ length }) => length === 0) ? [] : [{ scan, clients: first }]
}

/** What was to be read again has been, if it has neither changed nor been deleted meanwhile. */
function mustBePublished(
  { stream }: Evidence,
  { changesBefore, recordsBefore }: Evidence['documents'][number],
  isFound: IsFound,
): (passed: Passed) => boolean {
  const changes = stream.polaris.changes.slice(0, changesBefore)
  const deletions = stream.polaris.deletions.filter((deletion) => deletion.recordsBefore <= recordsBefore)
  const isCurrent = ({ No, Contenu }: ClientRecord) => {
    const last = changes.findLast(({ clientId }) => clientId === No)
    return last !== undefined && last.content === Contenu && !wasDeletedSince({ deletions, changes }, last)
  }
  return ({ clients }) => clients.some((client) => isCurrent(client) && !isFound(client))
}

function publishedBefore({ stream, records }: Evidence, recordsBefore: number): IsFound {
  const { changes } = stream.polaris
  const published = records.filter(({ at }) => at < recordsBefore)
  return ({ No, Contenu }) => {
    const isOf = ({ clientId, content }: (typeof changes)[number], text: unknown) => clientId === No && content === text
    const first = changes.findIndex((change) => isOf(change, Contenu))
    return published.some(
      ({ event }) =>
        event.subject === No && changes.findLastIndex((change) => isOf(change, event.data.Contenu)) >= first,
    )
  }
}
