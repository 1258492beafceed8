import { z } from 'zod'
import type { Republication } from '../../../control/stream-requests.ts'
import { type ClientKey, clientKeyOf, keyAsText } from '../../../index/index-entry.ts'
import type { RequestedScan } from '../../../scan/requested-scan.ts'
import { shareDone } from '../../../scan/scan-order.ts'
import { REQUESTED, type Scan, scanWith } from '../../../scan/scan-state.ts'
import { isCarriedOut } from '../../group/open-group.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import { type Feature, hasEnded, type OpenedStream, type Part, parsedState, type WantedScans } from '../part.ts'

/** Publishes unchanged clients again, on request of an operator. */
export const republish: Feature = { name: 'republish', open: republishPart }

/** What the scan for a request has done. */
const storedSchema = z
  .object({
    id: z.string(),
    /** The stream's events at the first page: what was published since is not published again. */
    since: z.number(),
    /** See `RepublishProgress`. */
    published: z.number(),
    changed: z.number(),
    /** Keys of the wanted clients that were not found yet; null: all clients are wanted. */
    missing: z.array(z.string()).nullable(),
  })
  .optional()

interface Republishing {
  readonly id: string
  readonly since: number
  published: number
  changed: number
  readonly missing: Set<ClientKey> | null
}

/** The state of the part. */
interface Doing extends OpenedStream {
  current: Republishing | undefined
  /** What has ended in the group being built. */
  ended: PipelineEvent[]
}

function republishPart(stream: OpenedStream): Part {
  const doing: Doing = { ...stream, current: restored(stream.stored), ended: [] }
  const of = ({ request }: Scan) => (doing.current?.id === request?.id ? doing.current : undefined)
  const report = () => {
    const progress = doing.current && progressOf(doing.current, stream)
    return () => progress && stream.requests.progressed(progress)
  }
  report()()
  return {
    name: 'republish',
    scans: wantedScans(doing),
    beginPage: ({ scan }) => begin(doing, scan),
    returned: ({ key, known }, scan) => {
      const republishing = of(scan)
      if (republishing === undefined) return undefined
      const isWanted = republishing.missing?.delete(key) ?? true
      // Invariant 2: not twice, if a page is read again after a crash, and not after a live scan has published it.
      const isDue = known !== undefined && known.number < republishing.since && !known.isDeadLetter
      return isWanted && isDue ? republishing.id : undefined
    },
    published: (_, scan, as) => {
      const republishing = of(scan)
      if (republishing !== undefined) republishing[as === 'again' ? 'published' : 'changed'] += 1
    },
    endPage: ({ scan, isLast }) => {
      endRequests(doing, of(scan), isLast ? 'last page' : 'page')
    },
    finish: () => {
      if (doing.current === undefined && doing.ended.length === 0) return undefined
      return { events: doing.ended.splice(0), delivered: report() }
    },
    state: () => doing.current && stored(doing.current),
  }
}

const open = ({ requests }: OpenedStream) =>
  requests.open().filter((one): one is Republication => one.kind === 'republish')

/** Runs the requests one after another, oldest first. */
function wantedScans(doing: Doing): WantedScans {
  const isOver = hasEnded(doing)
  return {
    next: (isRead) => {
      const request = open(doing).find(({ id }) => !isRead(id) && !isOver(id))
      return request && requestedScan(request, doing)
    },
    isWanted: (id) => !isOver(id) && (doing.current?.id === id || open(doing).some((one) => one.id === id)),
    until: doing.requests.until,
  }
}

/** Before the first page of a request. Each later page continues, also if the scan begins again after a crash. */
function begin(doing: Doing, { request, since }: Scan): void {
  if (request === null || doing.current?.id === request.id || hasEnded(doing)(request.id)) return
  const wanted = open(doing).find(({ id }) => id === request.id)?.wanted
  const missing = wanted?.kind === 'clients' ? new Set(wanted.keys.map(clientKeyOf)) : null
  if (wanted !== undefined) doing.current = { id: request.id, since, published: 0, changed: 0, missing }
}

/** After a page: ends what is complete or cancelled. `own`: the request of its scan. */
function endRequests(doing: Doing, own: Republishing | undefined, after: 'page' | 'last page'): void {
  const { group, requests, current } = doing
  if (own !== undefined && (after === 'last page' || own.missing?.size === 0)) end(doing, own.id, 'complete')
  else if (current !== undefined && hasEnded(doing)(current.id)) end(doing, current.id, 'cancelled')
  for (const { id, kind } of requests.cancelled())
    if (kind === 'republish' && !isCarriedOut(group, id)) end(doing, id, 'cancelled')
}

function end(doing: Doing, id: string, outcome: 'complete' | 'cancelled'): void {
  const { group, current } = doing
  const { published = 0, changed = 0, missing = null } = current?.id === id ? current : {}
  const notFound = outcome === 'complete' && missing !== null ? [...missing].map(keyAsText) : []
  group.carriedOut = [...group.carriedOut, { id, outcome, published, changed, missing: notFound }]
  const counts = { published, changed, missing: notFound.length }
  doing.ended.push({ kind: 'republish-ended', request: id, outcome, ...counts })
  if (current?.id === id) doing.current = undefined
}

const stored = (current: Republishing) => ({
  ...current,
  missing: current.missing && [...current.missing].map(keyAsText),
})

function restored(stored: unknown): Republishing | undefined {
  const state = parsedState('republish', storedSchema, stored)
  return state && { ...state, missing: state.missing && new Set(state.missing.map(clientKeyOf)) }
}

function requestedScan({ id, requestedBy, from, wanted }: Republication, { observe }: OpenedStream): RequestedScan {
  const clients = wanted.kind === 'all' ? undefined : wanted.keys.length
  return {
    id,
    from,
    maxPerSecond: wanted.kind === 'all' ? wanted.maxPerSecond : null,
    onBegin: (lastChanged: string) =>
      observe({ kind: 'republish-started', request: id, requestedBy, lastChanged, clients }),
  }
}

function progressOf({ id, published, changed }: Republishing, stream: OpenedStream) {
  const scan = scanWith(stream.group.scans, REQUESTED)
  return scan && { id, published, changed, clients: scan.clients, share: shareRead(scan, stream) }
}

/** The index has about as many clients as the whole history; of a part of it, only the times of clients tell. */
function shareRead(scan: Scan, { checkpoint, beginAt, clock, scanSettings }: OpenedStream): number | null {
  const indexed = checkpoint.table.size()
  if (scan.from <= beginAt) return indexed === 0 ? null : Math.min(1, scan.clients / indexed)
  return shareDone(scan, clock.now(), scanSettings.timeZone) ?? null
}
