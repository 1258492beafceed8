import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { mapPage, type PageMapping } from '../../event/page-mapping.ts'
import { clientReader, type ReadClient } from '../../event/read-client.ts'
import { statesAfterScan } from '../../scan/begin-scan.ts'
import { earlierOf, type Times } from '../../scan/scan-settings.ts'
import { type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import { type Step, scanStep } from '../../scan/scan-step.ts'
import type { Page, PageRequest } from '../../source/client-source.ts'
import { type AfterRead, onProgress, onStuck, type Reader, readerAfterHandOver } from './scan-trouble.ts'

/**
 * Applies a page that has arrived. Returns the reader after it, and what was read from it. If the scan is stuck, it
 * begins again, and nothing was read. Throws `source.mapping`.
 */
export function takePage(reader: Reader, before: Scan, page: Page): AfterRead {
  const { serverClock, observe, settings, backOff } = reader
  const began = serverClock.learn(page)
  const { lane, limit } = before
  const { bytes, tookMs } = page
  observe({ kind: 'page-read', scan: lane, clients: page.clients.length, limit, bytes, tookMs })
  const mapped = withMapping({ ...reader, states: withCreationTime(reader.states, began) }, before, page)
  const clients = readClients(mapped, before, page)
  const step = scanStep(before, { page, clients, began, overlapMs: settings.overlapMs })
  if (step.kind === 'stuck') return { reader: onStuck(mapped, before, step.why) }
  const { kind, scan } = step
  if (kind === 'done' || backOff.isProgress(scan)) onProgress(mapped, scan)
  const next = readerAfterStep(mapped, step)
  const { states, mapping } = next
  const reading = { clients, scan, states, mapping, isLast: kind === 'done', readAt: serverClock.times() }
  return { reader: next, reading }
}

/** A history asks for its empty last page again after this pause, since the page may hide an error. */
const END_AGAIN_MS = 60_000

function readerAfterStep(reader: Reader, { kind, scan }: Exclude<Step, { kind: 'stuck' }>) {
  const { clock, backOff, states, beginAt, liveScans, paths, observe } = reader
  if (kind === 'done') {
    const done = { ...reader, states: statesAfterScan(states, scan, beginAt) }
    const missing = scan.lane === 'history' ? paths.newlyMissing() : []
    if (missing.length > 0) observe({ kind: 'paths-missing', paths: missing })
    return scan.lane === 'live' ? { ...done, liveScans: liveScans + 1, liveUnfinishedSince: undefined } : done
  }
  if (kind === 'end-in-doubt') backOff.putOff(scan, clock.monotonic() + END_AGAIN_MS)
  const advanced = { ...reader, states: withScan(states, scan) }
  return readerAfterHandOver(advanced, scan) ?? advanced
}

/** Reads the clients as soon as their page arrives, so that making records does not wait for the delivery before it. */
function readClients({ mapping, rules }: Reader, { output }: Scan, { clients }: Page): ReadClient[] {
  const pageMapping = mapping[output]
  const lists = output === 'xml' ? mapping.lists : []
  return pageMapping === null ? [] : clients.map(clientReader(pageMapping, lists, rules))
}

/** Sets the creation time of a stream to its first response, and moves look-backs that start later to that time. */
function withCreationTime(states: ScanStates, began: Times): ScanStates {
  if (states.createdAt !== null) return states
  const createdAt = earlierOf(began)
  const lookBacks = states.lookBacks.map((one) => ({ ...one, startedAt: Math.min(one.startedAt, createdAt) }))
  return { ...states, createdAt, lookBacks }
}

/** Returns the next request of a scan, with what is known about its response. */
export function requestOf({ mapping }: Reader, scan: Scan): Scan & PageRequest {
  return { ...scan, clientsPath: mapping[scan.output]?.path ?? undefined }
}

/** Returns the reader that knows what a page says about the fields. Throws `source.mapping`. */
function withMapping(reader: Reader, { output }: Scan, page: Page) {
  const { mapping, fields, paths } = reader
  const knownMapping = mapping[output]
  const foundMapping = mapPage(page, fields, knownMapping)
  if (foundMapping === null) return reader
  const lists = output === 'xml' ? listsAfter(reader, page) : mapping.lists
  paths.take(page.clients)
  reportDetectedFields(reader, knownMapping, foundMapping)
  return { ...reader, mapping: { ...mapping, lists, [output]: foundMapping } }
}

/** Returns the lists known after a page: an element that was once repeated stays a list, also where it occurs once. */
function listsAfter({ mapping, fields, observe }: Reader, { clients }: Page) {
  const newFields = newLists(clients, [...fields.lists, ...mapping.lists])
  const lists = [...mapping.lists, ...newFields]
  if (newFields.length > 0)
    observe({ kind: 'lists-found', fields: newFields, setting: listFieldsLine([...fields.lists, ...lists]) })
  return lists
}

function reportDetectedFields(
  { fields, observe }: Reader,
  knownMapping: PageMapping | null,
  foundMapping: PageMapping,
) {
  const { clientId, modifiedAt } = foundMapping
  if (knownMapping === null && fields.clientId === null)
    observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (fields.modifiedAt === null && (knownMapping === null || modifiedAt !== knownMapping.modifiedAt))
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt ?? 'none yet' })
}
