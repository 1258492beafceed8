import { subjectOf } from '../../../event/cloud-event/stored-event.ts'
import { removalRecords } from '../../../event/cloud-event/tombstone.ts'
import { visitEntries } from '../../../index/client-table.ts'
import {
  type ClientKey,
  clientKey,
  highWord,
  keyText,
  lowWord,
  readEntry,
  readKey,
  UNKNOWN_CONTENT,
  withdrawalOf,
} from '../../../index/index-entry.ts'
import type { KeySet } from '../../../index/key-set.ts'
import { linkedAbort } from '../../../runtime/abort.ts'
import type { Changes } from '../../../runtime/changes.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import { FULL } from '../../../scan/scan-state.ts'
import { type Adding, addEvents, knownEntry, MAX_ENTRIES, SLICE_CLIENTS } from '../../group/open-group.ts'
import type { PartReading } from '../../read/page-reading.ts'
import type { OpenedStream } from '../part.ts'
import { areTooMany, type RemovedSettings } from './removed-clients.ts'

/** They live as long as the stream runs on this replica. */
export interface RemovalParts {
  readonly settings: RemovedSettings
  /** Gone clients of which the topic has no event, each with the number of its last one: see `lastOf`. */
  readonly unknown: KeySet
}

interface GoneClient {
  readonly clientId: string
  readonly key: ClientKey
  /** Of its last event. */
  readonly number: number
}

export interface GoneClientsParts
  extends RemovalParts,
    Pick<OpenedStream, 'group' | 'publisher' | 'clock' | 'observe' | 'eventSource'> {
  /** What was added to the group. */
  readonly added: { removed(): void; end(): void }
  /** How often marks were changed in the table: by a full scan, or by removals. */
  readonly changes: () => number
  /** As `Changes.until`: the condition is checked now and after each change. */
  readonly until: Changes['until']
}

const RETRY_MS = 60_000

/**
 * Counts the clients that are missing and gone: now, and after each change. If removals are published, yields the gone
 * ones with their ids, which only the topic has: it is read beside the running stream. Ends when `stop` aborts; never
 * rejects.
 */
export async function* goneClients(parts: GoneClientsParts, stop: AbortSignal): AsyncGenerator<PartReading, void> {
  const { clock, observe, changes, until, settings } = parts
  for (;;) {
    const before = changes()
    try {
      const { gone, missing, unpublished, clients } = await countedIn(parts)
      const isSought = settings.publish !== 'nothing' && unpublished.size > 0
      const found = isSought ? await withIds(parts, unpublished, stop) : []
      const isHeld = areTooMany(found.length, clients, settings)
      const withoutEvent = settings.publish === 'nothing' ? 0 : gone - found.length
      observe({ kind: 'missing-clients', missing, gone, withoutEvent, isHeld })
      if (found.length > 0 && !isHeld) {
        const at = clock.now()
        yield { kind: 'part', add: () => addRemovals(parts, found, at) }
      }
    } catch (error) {
      if (stop.aborted) return
      observe({ kind: 'removals-wait', code: codeOf(error), error })
      await clock.sleep(RETRY_MS, stop).catch(() => {})
      continue
    }
    if (!(await until(() => changes() > before, stop))) return
  }
}

/** Adds the removal of each client, unless it was returned meanwhile. */
function* addRemovals(
  { group, settings, added, eventSource }: GoneClientsParts,
  clients: readonly GoneClient[],
  timeMs: number,
): Adding {
  if (settings.publish === 'nothing') return 'whole'
  for (const [at, { clientId, key, number }] of clients.entries()) {
    if (at > 0 && at % SLICE_CLIENTS === 0) yield 'slice'
    if (group.entries.size >= MAX_ENTRIES) yield 'part'
    const known = knownEntry(group, key)
    if (known?.mark !== 'gone' || known.number !== number) continue
    const place = { source: eventSource, clientId, previous: number, sequence: group.events, timeMs }
    const records = removalRecords(place, settings.publish)
    // Newer than what a background scan in progress returns, except a full scan: it began after the one that missed it.
    const last = { number: group.events + records.length - 1, tag: FULL, content: UNKNOWN_CONTENT }
    addEvents(group, records, { key, entry: { ...known, ...last, mark: 'withdrawn-gone' } })
    added.removed()
  }
  added.end()
  return 'whole'
}

/** `unpublished`: the gone clients with the number of their last event; without those of which the topic has none. */
async function countedIn({ group, unknown }: GoneClientsParts) {
  const unpublished = new Map<ClientKey, number>()
  let [clients, missing, gone] = [0, 0, 0]
  await visitEntries(group.table, (words, at) => {
    const { mark, isDeadLetter, number } = readEntry(words, at)
    if (isDeadLetter || withdrawalOf({ mark }) !== 'no') return
    clients += 1
    if (mark === 'missing') missing += 1
    if (mark !== 'gone') return
    gone += 1
    const key = readKey(words, at)
    if (!unknown.has(lastOf(key, number))) unpublished.set(key, number)
  })
  return { clients, missing, gone, unpublished }
}

/** A client that is published again may have an event in the topic. */
const lastOf = (key: ClientKey, number: number): ClientKey =>
  keyText(highWord(key) ^ Math.floor(number / 2 ** 32), lowWord(key) ^ number) as ClientKey

/** Rejects with `publish.*` or the reason of `stop`. */
async function withIds(
  { publisher, unknown }: GoneClientsParts,
  gone: ReadonlyMap<ClientKey, number>,
  stop: AbortSignal,
): Promise<GoneClient[]> {
  const found = new Map<ClientKey, GoneClient>()
  using reading = linkedAbort(stop)
  const onVisible = (client: GoneClient) => {
    found.set(client.key, client)
    if (found.size === gone.size) reading.abort()
  }
  const find = (record: Parameters<typeof subjectOf>[0]) => {
    const clientId = subjectOf(record)
    const key = clientId === undefined ? undefined : clientKey(clientId)
    const number = key === undefined ? undefined : gone.get(key)
    return clientId === undefined || key === undefined || number === undefined ? undefined : { clientId, key, number }
  }
  try {
    await publisher.readEvents({ find, onVisible, onProgress: () => {} }, reading.signal)
  } catch (error) {
    if (found.size < gone.size) throw error
  }
  for (const [key, number] of gone) if (!found.has(key)) unknown.add(lastOf(key, number))
  return [...found.values()]
}
