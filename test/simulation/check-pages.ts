import { type Scan, scansInProgress } from '../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../connector/source/client-source.ts'
import type { Check, Evidence } from './evidence.ts'
import type { Read } from './simulated-stream.ts'

/**
 * Invariant 1: when the checkpoint moves past a page, the topic has each client of that page with its content or a later
 * one, unless a scan that began later has published the client: then another scan reads it again.
 */
export const savedTooEarly: Check = (evidence) => {
  const { reads } = evidence.stream
  const pages = Map.groupBy(reads, tokenOf)
  const passed = new Set<string>()
  return evidence.documents.flatMap((stored) => {
    const { scans } = stored.document.committed.state
    const isDone = doneBefore(evidence, stored.recordsBefore)
    return scansInProgress(scans).flatMap((scan) => {
      const token = `${scan.lastChanged} ${scan.checkPoint}`
      if (scan.checkPoint === null || passed.has(token)) return []
      passed.add(token)
      return missingOf(scan, pages.get(token) ?? [], isDone)
    })
  })
}

/** Whether the client needs no event of this scan. */
type IsDone = (client: ClientRecord, scan: Scan) => boolean

const tokenOf = ({ at, page }: Read) => `${at.lastChanged} ${page?.checkPoint}`

/** A page that was read twice may have had different clients each time. */
function missingOf(scan: Scan, readings: readonly Read[], isDone: IsDone): string[] {
  const missing = readings.map(({ page }) => page?.clients.filter((client) => !isDone(client, scan)) ?? [])
  const [first] = missing
  if (first === undefined || missing.some(({ length }) => length === 0)) return []
  const [{ No, Contenu } = {}] = first
  return [`the checkpoint is past a page of the ${scan.lane} scan with ${No} ${Contenu}, which is not in the topic`]
}

function doneBefore({ stream, records }: Evidence, recordsBefore: number): IsDone {
  const { changes } = stream.polaris
  const published = records.filter(({ at }) => at < recordsBefore)
  return ({ No, Contenu }, { number }) => {
    const isOf = ({ clientId, content }: (typeof changes)[number], text: unknown) => clientId === No && content === text
    const first = changes.findIndex((change) => isOf(change, Contenu))
    const own = published.filter(({ event }) => event.subject === No)
    const isFound = own.some(
      ({ event }) => changes.findLastIndex((change) => isOf(change, event.data.Contenu)) >= first,
    )
    const begunAt = stream.reads.find(({ at }) => at.number === number && at.checkPoint === null)?.recordsBefore ?? 0
    return isFound || own.some(({ at }) => at >= begunAt)
  }
}
