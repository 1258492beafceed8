import { tombstone } from '../../../event/tombstone.ts'
import { clientKey, erasedEntry, type IndexEntry, UNKNOWN_CONTENT } from '../../../index/index-entry.ts'
import { LIVE } from '../../../scan/scan-state.ts'
import { type Building, knownEntry } from '../../group/building.ts'
import type { ErasureReading } from '../../read/page-reading.ts'
import { hasEnded } from '../republish/republishing.ts'

/**
 * Adds the tombstone of a client, and marks its entry: the content in the source is no change from now on. Adds nothing
 * for a request that was cancelled meanwhile.
 */
export function addErasure(building: Building, { request, at }: ErasureReading): void {
  if (hasEnded(building)(request.id)) return
  const { parts, index, group, events } = building
  const key = clientKey(request.client)
  const known = knownEntry(building, key)
  const previous = known === undefined ? `g${index.generation}` : String(known.number)
  const { source } = parts.settings
  const place = { source, clientId: request.client, previous, sequence: events, timeMs: at }
  group.records.push(tombstone({ type: 'client.erased', ...place }))
  const unknown: IndexEntry = {
    ...{ content: UNKNOWN_CONTENT, tag: LIVE, rules: index.rules, number: 0 },
    ...{ isDeadLetter: false, mark: 'none' },
  }
  building.entries.set(key, erasedEntry(known ?? unknown))
  building.erasedAt.set(key, events)
  building.events += 1
  const outcome = known === undefined ? 'never-published' : 'erased'
  building.carriedOut = [...building.carriedOut, { id: request.id, outcome }]
  group.erased.push({ request, outcome })
}
