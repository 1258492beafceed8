import { tombstone } from '../../event/tombstone.ts'
import { clientKey, type IndexEntry, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import { LIVE } from '../../scan/scan-state.ts'
import type { ErasureReading } from '../read/page-reading.ts'
import { type Building, knownEntry } from './building.ts'

/**
 * Adds the tombstone of a client, and marks its entry: no scan publishes the client again until its content changes. Of
 * a client without an entry, the next content read counts as the one that was erased.
 */
export function addErasure(building: Building, { request, at }: ErasureReading): void {
  const { parts, index, group, events } = building
  const key = clientKey(request.client)
  const known = knownEntry(building, key)
  const previous = known === undefined ? `g${index.generation}` : String(known.number)
  const { source } = parts.settings
  const place = { source, clientId: request.client, previous, sequence: events, timeMs: at }
  group.records.push(tombstone({ type: 'client.erased', ...place }))
  const unknown = { content: UNKNOWN_CONTENT, tag: LIVE, rules: index.rules, number: 0 }
  // With the number of the last event: by a higher one, a scan in progress would take its own change for an older one.
  const entry: IndexEntry = { ...(known ?? unknown), isDeadLetter: false, mark: 'erased' }
  building.entries.set(key, entry)
  building.events += 1
  const outcome = known === undefined ? 'never-published' : 'erased'
  building.carriedOut = [...building.carriedOut, { id: request.id, outcome }]
  group.erased.push({ request, outcome, key, entry })
}
