import { setImmediate as otherWork } from 'node:timers/promises'
import { subjectOf } from '../../../event/client-event.ts'
import type { ClientTable } from '../../../index/client-table.ts'
import { type ClientKey, clientKey, ENTRY_WORDS, readEntry, readKey, withdrawalOf } from '../../../index/index-entry.ts'
import type { EventPublisher } from '../../../publish/event-publisher.ts'
import { linkedAbort } from '../../../runtime/abort.ts'
import type { Changes } from '../../../runtime/changes.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import type { Observe } from '../../pipeline-event.ts'
import type { GoneClient, RemovalReading } from '../../read/page-reading.ts'
import type { RemovalParts } from './removal-parts.ts'
import { areTooMany } from './removed-clients.ts'

export interface GoneClientsParts extends Pick<RemovalParts, 'settings' | 'unknown'> {
  readonly publisher: Pick<EventPublisher, 'readEvents'>
  readonly clock: Clock
  readonly observe: Observe
  readonly table: () => Pick<ClientTable, 'partitions'>
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
export async function* goneClients(parts: GoneClientsParts, stop: AbortSignal): AsyncGenerator<RemovalReading, void> {
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
      if (found.length > 0 && !isHeld) yield { kind: 'removal', clients: found, at: clock.now() }
    } catch (error) {
      if (stop.aborted) return
      observe({ kind: 'removals-wait', code: codeOf(error), error })
      await clock.sleep(RETRY_MS, stop).catch(() => {})
      continue
    }
    if (!(await until(() => changes() > before, stop))) return
  }
}

/** So many entries take some milliseconds; then other work of the process runs. */
const ENTRIES_AT_ONCE = 20_000

/** `unpublished`: the gone clients with the number of their last event; without those of which the topic has none. */
async function countedIn({ table, unknown }: GoneClientsParts) {
  const unpublished = new Map<ClientKey, number>()
  let [clients, missing, gone, atOnce] = [0, 0, 0, 0]
  for (const words of table().partitions()) {
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      const { mark, isDeadLetter, number } = readEntry(words, at)
      if (isDeadLetter || withdrawalOf({ mark }) !== 'no') continue
      clients += 1
      if (mark === 'missing') missing += 1
      if (mark !== 'gone') continue
      gone += 1
      const key = readKey(words, at)
      if (!unknown.has(key)) unpublished.set(key, number)
    }
    atOnce += words.length / ENTRY_WORDS
    if (atOnce < ENTRIES_AT_ONCE) continue
    atOnce = 0
    await otherWork()
  }
  return { clients, missing, gone, unpublished }
}

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
  for (const key of gone.keys()) if (!found.has(key)) unknown.add(key)
  return [...found.values()]
}
