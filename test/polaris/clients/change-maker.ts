import type { WallClock } from '../wall-clock.ts'
import type { Change } from './client-store.ts'

/** Modification time of a change. */
type Stamp = Pick<Change, 'modified' | 'instant'>

/** Numbers clients and their changes. A client's index is its number among all clients, from 0. */
export interface ChangeMaker {
  /** Ids by index. */
  readonly ids: readonly string[]
  indexOf(id: string): number | undefined
  /** Adds clients and returns their indexes. */
  newClients(count: number): readonly number[]
  /** A modification time: at this instant, or else now and later than the one before. */
  stamp(at?: number): Stamp
  /** The next change of a client. */
  next(index: number, stamp: Stamp): Change
  /** Continues after a change that another simulator made; returns the index of its client. */
  continueAfter(change: Change): number
}

const FIRST_ID = 100_001

export function changeMaker(wall: WallClock): ChangeMaker {
  const ids: string[] = []
  const indexes = new Map<string, number>()
  const latest: number[] = []
  let [sequence, lastNow, lastInstant] = [0, 0, 0]
  const addId = (id: string) => {
    indexes.set(id, ids.length)
    return ids.push(id) - 1
  }
  /** Distinct while the clock stands still or advances; goes back with the clock. */
  const instantNow = () => {
    const now = Date.now()
    lastInstant = now < lastNow ? now : Math.max(now, lastInstant + 1)
    lastNow = now
    return lastInstant
  }
  return {
    ids,
    indexOf: (id) => indexes.get(id),
    newClients: (count) => Array.from({ length: count }, () => addId(String(FIRST_ID + ids.length))),
    stamp: (instant = instantNow()) => ({ instant, modified: wall.at(instant) }),
    next: (index, stamp) => {
      const version = (latest[index] ?? 0) + 1
      latest[index] = version
      sequence += 1
      return { sequence, clientId: ids[index] ?? '', version, ...stamp }
    },
    continueAfter: ({ sequence: made, clientId, version, instant }) => {
      const index = indexes.get(clientId) ?? addId(clientId)
      latest[index] = Math.max(latest[index] ?? 0, version)
      sequence = made
      lastInstant = Math.max(lastInstant, instant)
      return index
    },
  }
}
