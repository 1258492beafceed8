import { listFieldsLine, newLists } from '../../event/list-shapes.ts'
import { mapPage, type PageMapping } from '../../event/page-mapping.ts'
import { clientReader, type ReadClient } from '../../event/read-client.ts'
import { statesAfterScan } from '../../scan/begin-scan.ts'
import { earlierOf, type Times } from '../../scan/scan-settings.ts'
import { type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import { type Step, scanStep } from '../../scan/scan-step.ts'
import type { Page, PageRequest } from '../../source/client-source.ts'
import type { PageReading } from './reader-parts.ts'
import { handOverIfLong, onProgress, onStuck, type Reader } from './scan-trouble.ts'

/** Undefined: the scan is stuck; it begins again. Throws `source.mapping`. */
export function takePage(reader: Reader, before: Scan, page: Page): PageReading | undefined {
  const { serverClock, observe } = reader
  const began = serverClock.learn(page)
  const { lane, limit } = before
  const { bytes, tookMs } = page
  observe({ kind: 'page-read', scan: lane, clients: page.clients.length, limit, bytes, tookMs })
  reader.states = withCreationTime(reader.states, began)
  takeMapping(reader, before, page)
  const { overlapMs } = reader.settings
  const clients = readClients(reader, before, page)
  const step = scanStep(before, { page, clients, began, overlapMs })
  if (step.kind === 'stuck') return onStuck(reader, before, step.why)
  if (step.kind === 'done' || reader.backOff.isProgress(step.scan)) onProgress(reader, step.scan)
  advanceScan(reader, step)
  const { states, mapping } = reader
  return { clients, scan: step.scan, states, mapping, isLast: step.kind === 'done', readAt: serverClock.times() }
}

const END_AGAIN_MS = 60_000

function advanceScan(reader: Reader, { kind, scan }: Exclude<Step, { kind: 'stuck' }>) {
  const { clock, backOff } = reader
  if (kind === 'done') {
    reader.states = statesAfterScan(reader.states, scan, reader.beginAt)
    if (scan.lane === 'history') reportMissingPaths(reader)
    if (scan.lane !== 'live') return
    reader.liveScans += 1
    reader.liveSince = undefined
    return
  }
  reader.states = withScan(reader.states, scan)
  if (kind === 'end-in-doubt') backOff.putOff(scan, clock.monotonic() + END_AGAIN_MS)
  handOverIfLong(reader, scan)
}

/** Reads the clients as soon as their page arrives, so that making records does not wait for the delivery before it. */
function readClients({ mapping, rules }: Reader, { output }: Scan, { clients }: Page): ReadClient[] {
  const fields = mapping[output]
  const lists = output === 'xml' ? mapping.lists : []
  return fields === null ? [] : clients.map(clientReader(fields, lists, rules))
}

/** The stream is as old as its first response. */
function withCreationTime(states: ScanStates, began: Times): ScanStates {
  if (states.createdAt !== null) return states
  const createdAt = earlierOf(began)
  const lookBacks = states.lookBacks.map((one) => ({ ...one, startedAt: Math.min(one.startedAt, createdAt) }))
  return { ...states, createdAt, lookBacks }
}

/** The next request of a scan, with what is known about its response. */
export function requestOf({ mapping }: Reader, scan: Scan): Scan & PageRequest {
  return { ...scan, clientsPath: mapping[scan.output]?.path ?? undefined }
}

/** Takes what a page says about the mapping. Throws `source.mapping`. */
function takeMapping(reader: Reader, { output }: Scan, page: Page) {
  const { mapping, fields } = reader
  const known = mapping[output]
  const found = mapPage(page, fields, known)
  if (found === null) return
  reader.mapping = { ...mapping, [output]: found }
  if (output === 'xml') takeLists(reader, page)
  reader.paths.take(page.clients)
  reportDetectedFields(reader, known, found)
}

/** An element that was once repeated stays a list, also where it occurs once. */
function takeLists(reader: Reader, { clients }: Page) {
  const { mapping, fields, observe } = reader
  const found = newLists(clients, [...fields.lists, ...mapping.lists])
  if (found.length === 0) return
  const lists = [...mapping.lists, ...found]
  reader.mapping = { ...mapping, lists }
  observe({ kind: 'lists-found', fields: found, setting: listFieldsLine([...fields.lists, ...lists]) })
}

function reportMissingPaths({ paths, observe }: Reader) {
  const missing = paths.newlyMissing()
  if (missing.length > 0) observe({ kind: 'paths-missing', paths: missing })
}

function reportDetectedFields({ fields, observe }: Reader, known: PageMapping | null, found: PageMapping) {
  const { clientId, modifiedAt } = found
  if (known === null && fields.clientId === null)
    observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: clientId })
  if (fields.modifiedAt === null && (known === null || modifiedAt !== known.modifiedAt))
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: modifiedAt ?? 'none yet' })
}
