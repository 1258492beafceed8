import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { mapPage, type PageMapping } from '../../event/page-mapping.ts'
import { clientReader, type ReadClient } from '../../event/read-client.ts'
import { scansAfterEnd } from '../../scan/begin-scan.ts'
import { earlierOf, type Times } from '../../scan/scan-settings.ts'
import { type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import { type Step, scanStep } from '../../scan/scan-step.ts'
import type { Page, PageRequest } from '../../source/client-source.ts'
import { type AfterRead, onProgress, onStuck, type Reader, readerAfterHandOver } from './scan-trouble.ts'

/**
 * Applies a page that has arrived. Returns the reader after it, and what was read from it. If the scan is stuck, it
 * begins again, and nothing was read. Throws `source.mapping`.
 */
export function takePage(reader: Reader, scanBefore: Scan, page: Page): AfterRead {
  const { serverClock, observe, settings, backOff } = reader
  const responseBeganAt = serverClock.learnFrom(page)
  const { lane, limit } = scanBefore
  const { bytes, tookMs } = page
  observe({ kind: 'page-read', scan: lane, clients: page.clients.length, limit, bytes, tookMs })
  const readerWithMapping = withMapping(
    { ...reader, scans: withCreationTime(reader.scans, responseBeganAt) },
    scanBefore,
    page,
  )
  const clients = readClients(readerWithMapping, scanBefore, page)
  const step = scanStep(scanBefore, { page, clients, responseBeganAt, overlapMs: settings.overlapMs })
  if (step.kind === 'stuck') return { reader: onStuck(readerWithMapping, scanBefore, step.why) }
  const { kind, scan } = step
  if (kind === 'done' || backOff.isProgress(scan)) onProgress(readerWithMapping, scan)
  const nextReader = readerAfterStep(readerWithMapping, step)
  const { scans, mapping } = nextReader
  const reading = { clients, scan, scans, mapping, isLast: kind === 'done', readAt: serverClock.times() }
  return { reader: nextReader, reading }
}

/** A history asks for its empty last page again after this pause, since the page may hide an error. */
const LAST_PAGE_AGAIN_MS = 60_000

function readerAfterStep(reader: Reader, { kind, scan }: Exclude<Step, { kind: 'stuck' }>) {
  const { clock, backOff, scans, beginAt, endedLiveScans, configuredPaths, observe } = reader
  if (kind === 'done') {
    const readerAfterScan = { ...reader, scans: scansAfterEnd(scans, scan, beginAt) }
    const missingPaths =
      scan.lane === 'history' ? configuredPaths.newlyMissing(reader.mapping[scan.output]?.matched ?? []) : []
    if (missingPaths.length > 0) observe({ kind: 'paths-missing', paths: missingPaths })
    return scan.lane === 'live'
      ? { ...readerAfterScan, endedLiveScans: endedLiveScans + 1, liveUnfinishedSince: undefined }
      : readerAfterScan
  }
  if (kind === 'end-in-doubt') backOff.putOff(scan, clock.monotonic() + LAST_PAGE_AGAIN_MS)
  const readerAfterPage = { ...reader, scans: withScan(scans, scan) }
  return readerAfterHandOver(readerAfterPage, scan) ?? readerAfterPage
}

/**
 * Parses the clients now, while the previous group may still be delivered: after that delivery, only their records
 * remain to be made.
 */
function readClients({ mapping, rules }: Reader, { output }: Scan, { clients }: Page): ReadClient[] {
  const pageMapping = mapping[output]
  const lists = output === 'xml' ? mapping.lists : []
  return pageMapping === null ? [] : clients.map(clientReader(pageMapping, lists, rules))
}

/**
 * Sets the creation time of a stream to its first response. Look-backs got their start before it, by our clock; where
 * that is ahead of the server's, they move back to the creation time.
 */
function withCreationTime(scans: ScanStates, responseBeganAt: Times): ScanStates {
  if (scans.createdAt !== null) return scans
  const createdAt = earlierOf(responseBeganAt)
  const lookBacks = scans.lookBacks.map((one) => ({ ...one, startedAt: Math.min(one.startedAt, createdAt) }))
  return { ...scans, createdAt, lookBacks }
}

/** Returns the next request of a scan, with the path of the clients in the response if it is known. */
export function requestOf({ mapping }: Reader, scan: Scan): Scan & PageRequest {
  return { ...scan, clientsPath: mapping[scan.output]?.path ?? undefined }
}

/** Returns the reader that knows what a page says about the fields. Throws `source.mapping`. */
function withMapping(reader: Reader, { output }: Scan, page: Page) {
  const { mapping, configuredFields, configuredPaths } = reader
  const knownMapping = mapping[output]
  const foundMapping = mapPage(page, configuredFields, knownMapping)
  if (foundMapping === null) return reader
  const lists = output === 'xml' ? listsAfter(reader, page) : mapping.lists
  const matched = configuredPaths.take(page.clients, foundMapping.matched)
  reportDetectedFields(reader, knownMapping, foundMapping)
  return { ...reader, mapping: { ...mapping, lists, [output]: { ...foundMapping, matched } } }
}

/** Returns the lists known after a page: an element that was once repeated stays a list, also where it occurs once. */
function listsAfter({ mapping, configuredFields, observe }: Reader, { clients }: Page) {
  const newFields = newLists(clients, [...configuredFields.lists, ...mapping.lists])
  const lists = [...mapping.lists, ...newFields]
  if (newFields.length > 0)
    observe({ kind: 'lists-found', fields: newFields, setting: listFieldsLine([...configuredFields.lists, ...lists]) })
  return lists
}

function reportDetectedFields(
  { configuredFields, observe }: Reader,
  knownMapping: PageMapping | null,
  foundMapping: PageMapping,
) {
  const { clientId, modifiedAt } = foundMapping
  if (knownMapping === null && configuredFields.clientId === null)
    observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (configuredFields.modifiedAt === null && (knownMapping === null || modifiedAt !== knownMapping.modifiedAt))
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt ?? 'none yet' })
}
