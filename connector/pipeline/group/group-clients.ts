import { clientRecord } from '../../event/client-record.ts'
import { clientReader, contentUnder, type ReadClient } from '../../event/read-client.ts'
import type { Comparison } from '../../index/client-index.ts'
import { type ClientKey, type IndexEntry, isErased, withdrawalOf } from '../../index/index-entry.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { recheckFrom } from '../../scan/end-scan.ts'
import { LIVE, RECHECK_AFTER_MS, type Recheck, type ScanKind } from '../../scan/scan-state.ts'
import type { ClientRecord } from '../../source/client-source.ts'
import { countRepublished, republishFor } from '../features/republish/republishing.ts'
import type { PageReading } from '../read/page-reading.ts'
import { type Building, type Gathered, MAX_ENTRIES, returnedEntry } from './building.ts'
import { type LateChange, lateChange } from './late-change.ts'
import type { ScanCounts } from './scan-counts.ts'
import type { ScanRun } from './scan-memory.ts'

/** So many clients take some 5 ms; then other work of the process runs. */
export const SLICE_CLIENTS = 250

/** `slice`: there is more of the page; `part`: the client at `next` does not fit into the group. */
export type AddedClients = { readonly kind: 'whole' } | { readonly kind: 'slice' | 'part'; readonly next: number }

/** Adds a slice of the clients of a page, from a place on. */
export function addClients(building: Building, reading: PageReading, from: number): AddedClients {
  const { parts, entries } = building
  const mapping = reading.mapping[reading.scan.output]
  if (mapping === null) return { kind: 'whole' }
  const readClient = clientReader(mapping, parts.rules)
  // Invariant 3: events of one client keep the order in which the API returned them.
  const { clients } = reading.page
  for (let at = from; at < clients.length; at += 1) {
    if (at === from + SLICE_CLIENTS) return { kind: 'slice', next: at }
    const client = readClient(clients[at] as ClientRecord)
    if (entries.size >= MAX_ENTRIES) return { kind: 'part', next: at }
    addClient(building, client, reading)
  }
  return { kind: 'whole' }
}

function addClient(building: Building, client: ReadClient, reading: PageReading): void {
  const { memory, group } = building
  const { scan } = reading
  memory.add(scan, client)
  const missing = building.parts.fieldWatch?.add(client.client)
  if (missing !== undefined) building.parts.observe({ kind: 'event-fields-missing', fields: missing })
  const known = returnedEntry(building, client.key)
  const counts = countsOf(group, scan.kind)
  const republished = republishFor(building, { key: client.key, known }, scan)
  const comparison = known === undefined ? 'other' : compared(building, known, client)
  if (known !== undefined && comparison === 'same') {
    if (republished === undefined) suppress(building, { client, known, counts })
    else publish(building, { client, known, counts, republished }, reading)
    return
  }
  // Invariant 3: this page may be older than what another scan has published.
  if (known !== undefined && scan.tag !== LIVE && known.number >= scan.since && known.tag !== scan.tag) {
    counts.superseded += 1
    building.recheck = withRecheck(building, client, reading)
    return
  }
  const isWithdrawn = known !== undefined && staysWithdrawn(building, { key: client.key, known, comparison }, reading)
  if (isWithdrawn) suppress(building, { client, known, counts })
  else publish(building, { client, known, counts }, reading)
}

function suppress({ entries, index }: Building, { client, known, counts }: Publishing & { known: IndexEntry }): void {
  counts.suppressed += 1
  // Rewritten under the present rules.
  if (known.rules !== index.rules || known.content !== client.content)
    entries.set(client.key, { ...known, content: client.content, rules: index.rules, mark: markOfReturned(known) })
}

/** A withdrawn client that was absent has a content now, which other content replaces. */
const markOfReturned = (known: IndexEntry) => (known.mark === 'erased-absent' ? 'erased' : known.mark)

function compared({ index, parts }: Building, known: IndexEntry, { client, content }: ReadClient): Comparison {
  return index.compare(known, content, (rules) => contentUnder(client, rules, parts.rules.hmac))
}

interface Compared {
  readonly key: ClientKey
  readonly known: IndexEntry
  readonly comparison: Comparison
}

/** Whether the content takes the place of the one that was withdrawn, and is not published. */
function staysWithdrawn(building: Building, { key, known, comparison }: Compared, { askedAt }: PageReading): boolean {
  const withdrawal = withdrawalOf(known)
  const at = building.erasedAt.get(key)
  // The page may show the client as it was before.
  if (withdrawal !== 'no' && at !== undefined && askedAt <= at) return true
  return withdrawal === 'until other content' && comparison === 'unknown'
}

function withRecheck({ recheck, parts }: Building, { modified }: ReadClient, reading: PageReading): Recheck {
  const { scan, readAt, states } = reading
  const { scanSettings: settings, beginAt } = parts
  const from = recheckFrom(scan, modified?.instant, { settings, beginAt, times: readAt })
  return {
    from: recheck !== null && recheck.from < from ? recheck.from : from,
    after: states.begun,
    dueAt: readAt.ours + RECHECK_AFTER_MS,
  }
}

interface Publishing {
  readonly client: ReadClient
  readonly known: IndexEntry | undefined
  readonly counts: ScanCounts
  /** The request for which an unchanged client is published again. */
  readonly republished?: string
}

function publish(
  building: Building,
  { client, known, counts, republished }: Publishing,
  { scan, readAt, states, mapping }: PageReading,
): void {
  const { parts, index, group, deadLetters, events } = building
  const previous = known === undefined ? `g${index.generation}` : String(known.number)
  const idField = mapping[scan.output]?.clientId ?? ''
  const place = { sequence: events, readAt: readAt.server, idField, previous, republished }
  const { kind, record } = clientRecord(client, place, parts.settings)
  if (deadLetters.add(kind) === 'too-many') throw tooManyDeadLetters(idField)
  group.records.push(record)
  group.size += record.value.length
  const isDeadLetter = kind === 'dead-letter'
  const { key, content } = client
  building.entries.set(key, { content, number: events, tag: scan.tag, isDeadLetter, mark: 'none', rules: index.rules })
  if (isDeadLetter) {
    group.deadLetters += 1
    return
  }
  if (known !== undefined && isErased(known)) group.changedSince.push(key)
  building.events += 1
  counts.events += 1
  countRepublished(building, scan, republished === undefined ? 'changed' : 'published')
  if (republished !== undefined) return
  const late = lateChange(client.modified, { scan, states, readAt, settings: parts.scanSettings })
  if (late !== undefined) addLate(building, counts, { ...late, run: scan })
  const fields = known === undefined ? undefined : building.repeats.publishedAgain(key, client.client)
  if (fields !== undefined) parts.observe({ kind: 'fields-keep-changing', fields })
}

/** So many late changes in one scan have a common cause. */
const MANY_LATE = 10

function addLate({ parts, memory }: Building, counts: ScanCounts, late: LateChange & { run: ScanRun }): void {
  const { scan, run, ms } = late
  counts.late.push({ scan, ms })
  // Without a delay, a busy stream finds fresh changes in every look-back.
  if (ms !== undefined && memory.foundLate(run) === MANY_LATE) parts.observe({ kind: 'late-changes', scan, ms })
}

function countsOf({ scans }: Gathered, kind: ScanKind): ScanCounts {
  const counts = scans.get(kind) ?? { events: 0, suppressed: 0, superseded: 0, late: [] }
  scans.set(kind, counts)
  return counts
}

function tooManyDeadLetters(field: string): ConnectorError {
  return new ConnectorError(
    'event.too-many-dead-letters',
    `make events: too many clients cannot become events (client id field: ${field})`,
  )
}
