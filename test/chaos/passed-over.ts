import type { StreamEvidence } from './checker.ts'
import type { ToldEvent } from './told-event.ts'

/** The server tells the time of an answer in whole seconds, a little after it looked. */
const MARGIN_MS = 1_000

/**
 * Whenever the checkpoint says that a drain is done, each client had been told as it was when that drain began, or newer. Where clients change
 * all the time, this finds what is lost although the next change of the same client hides it.
 */
export function passedOver(
  { changes, checkpoints, overlapMs }: StreamEvidence,
  events: readonly ToldEvent[],
): string[] {
  const begun = ({ lastChanged }: { lastChanged: string }) =>
    new Date(Date.parse(`${lastChanged}Z`) + overlapMs - MARGIN_MS).toISOString().slice(0, -1)
  const drained = checkpoints
    .flatMap(({ isSure, drained }) => (isSure && drained !== undefined ? [drained] : []))
    .map((one) => ({ events: one.events, begunAt: begun(one) }))
    .sort((one, other) => one.events - other.events || (one.begunAt < other.begunAt ? -1 : 1))
  const tellings = inOrder(events.toSorted((one, other) => one.sequence - other.sequence))
  const havings = inOrder(changes)
  const [told, had] = [new Map<string, number>(), new Map<string, number>()]
  for (const { events, begunAt } of drained) {
    for (const { key, version } of tellings.while(({ sequence }) => sequence < events))
      told.set(key, Math.max(told.get(key) ?? 0, Number(version)))
    for (const change of havings.while(({ modified }) => modified < begunAt)) had.set(change.clientId, change.version)
    const lost = [...had].find(([clientId, version]) => (told.get(clientId) ?? 0) < version)
    if (lost !== undefined) return [`client ${lost[0]}: version ${lost[1]} passed over by the drain of ${begunAt}`]
  }
  return []
}

/** Goes through items once, as far as asked each time. */
function inOrder<Item>(items: readonly Item[]) {
  let at = 0
  return {
    while: (isWanted: (item: Item) => boolean): Item[] => {
      const from = at
      for (let item = items[at]; item !== undefined && isWanted(item); item = items[at]) at += 1
      return items.slice(from, at)
    },
  }
}
