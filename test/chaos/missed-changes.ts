import type { StreamEvidence } from './checker.ts'
import type { TopicEvent } from './topic-event.ts'

/** Precision of the server's time: whole seconds, taken shortly after it read its data. */
const MARGIN_MS = 1_000

/**
 * When the checkpoint reports a completed live scan, each client must have been published in the version that it had at the
 * start of that scan, or a newer one. Finds a lost change even if a later change of the same client hides it.
 */
export function missedChanges({ changes, checkpoints }: StreamEvidence, events: readonly TopicEvent[]): string[] {
  const scans = checkpoints
    .flatMap(({ isConfirmed, scanned }) => (isConfirmed && scanned !== undefined ? [scanned] : []))
    .sort((one, other) => one.nextEvent - other.nextEvent || one.startedAt - other.startedAt)
  const nextEvents = readInOrder(events.toSorted((one, other) => one.sequence - other.sequence))
  const nextChanges = readInOrder(changes)
  const published = new Map<string, number>()
  const expected = new Map<string, number>()
  for (const { nextEvent, startedAt } of scans) {
    for (const { key, version } of nextEvents.while(({ sequence }) => sequence < nextEvent))
      published.set(key, Math.max(published.get(key) ?? 0, Number(version)))
    for (const change of nextChanges.while(({ instant }) => instant < startedAt - MARGIN_MS))
      expected.set(change.clientId, change.version)
    const lost = [...expected].find(([clientId, version]) => (published.get(clientId) ?? 0) < version)
    if (lost !== undefined)
      return [`client ${lost[0]}: version ${lost[1]} missed by the scan of ${new Date(startedAt).toISOString()}`]
  }
  return []
}

/** Reads items once, each call to `while` from where the previous one stopped. */
function readInOrder<Item>(items: readonly Item[]) {
  let at = 0
  return {
    while: (isWanted: (item: Item) => boolean): Item[] => {
      const from = at
      for (let item = items[at]; item !== undefined && isWanted(item); item = items[at]) at += 1
      return items.slice(from, at)
    },
  }
}
