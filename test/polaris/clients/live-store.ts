import { answerForms } from '../answer/answer-forms.ts'
import { wallTextAt } from '../wall-clock.ts'
import { type Change, type ClientStore, compare, type Place } from './client-store.ts'
import { madeUpClient, numbers } from './made-up-client.ts'

/** Clients that change, with a log of every change. */
export interface LiveStore extends ClientStore {
  readonly changes: readonly Change[]
  /** Ids, in the order in which the clients were added. */
  readonly ids: readonly string[]
  /** Changes the client with this id, or else any client. */
  change(id?: string): Change
  /** Changes the first `count` clients at the same instant. */
  massUpdate(count: number): readonly Change[]
  /** Adds clients (default: one), all modified now or at `at`. */
  add(count?: number, at?: number): readonly Change[]
  /** Deletes these clients: nothing returns them, and changes of any or many clients leave them out. */
  remove(ids: readonly string[]): void
  /** Returns deleted clients again, as they were. */
  restore(ids: readonly string[]): void
  /** Applies a change from the history of another store. */
  replay(change: Change): void
  /** Calls `listener` for all later changes that are not replays. */
  onChange(listener: (changes: readonly Change[]) => void): void
}

/** A client since its last change. */
interface ClientState extends Place {
  readonly change: Change
}

const SEED = 1
/** The id of the client with index 0. */
const FIRST_ID = 100_001

export function liveStore(): LiveStore {
  const changes: Change[] = []
  const ids: string[] = []
  /** By index. */
  const latest: ClientState[] = []
  /** In the order of their places, with former states, which are passed over. */
  const ordered: ClientState[] = []
  const removed = new Set<number>()
  const listeners: ((changes: readonly Change[]) => void)[] = []
  let lastInstant = 0

  const indexOf = (id: string) => {
    const index = Number(id) - FIRST_ID
    if (latest[index] === undefined || removed.has(index)) throw new Error(`no client with id ${id}`)
    return index
  }
  const show = (made: readonly Change[]) => {
    const end = ordered.length
    for (const change of made) {
      const { clientId, modified, instant } = change
      const state = { modified, index: Number(clientId) - FIRST_ID, change }
      ids[state.index] = clientId
      latest[state.index] = state
      changes.push(change)
      ordered.push(state)
      lastInstant = Math.max(lastInstant, instant)
    }
    const before = ordered[end - 1]
    const after = ordered[end]
    if (before !== undefined && after !== undefined && compare(before, after) > 0) ordered.sort(compare)
  }
  /** Changes or adds clients at the same instant: at `instant`, or else now and later than the change before. */
  const changeAll = (indexes: readonly number[], instant = Math.max(Date.now(), lastInstant + 1)) => {
    const modified = wallTextAt(instant)
    const made = indexes.map((index): Change => {
      const version = (latest[index]?.change.version ?? 0) + 1
      return { clientId: String(FIRST_ID + index), version, modified, instant }
    })
    show(made)
    for (const listener of listeners) listener(made)
    return made
  }
  const anyIndex = () => {
    const random = numbers(SEED, -7, changes.length)
    for (;;) {
      const index = Math.floor(random() * ids.length)
      if (!removed.has(index)) return index
    }
  }
  return {
    changes,
    ids,
    change: (id) => changeAll([id === undefined ? anyIndex() : indexOf(id)])[0] as Change,
    massUpdate: (count) => changeAll([...ids.keys()].filter((index) => !removed.has(index)).slice(0, count)),
    add: (count = 1, at) =>
      changeAll(
        Array.from({ length: count }, (_, more) => ids.length + more),
        at,
      ),
    remove: (gone) => {
      for (const id of gone) removed.add(indexOf(id))
    },
    restore: (back) => {
      for (const id of back) if (!removed.delete(Number(id) - FIRST_ID)) throw new Error(`client ${id} is not deleted`)
    },
    replay: (change) => show([change]),
    onChange: (listener) => void listeners.push(listener),
    select: (after, limit, output) => {
      const states: ClientState[] = []
      let at = positionAfter(ordered, after)
      for (; at < ordered.length && states.length <= limit; at += 1) {
        const state = ordered[at] as ClientState
        if (latest[state.index] === state && !removed.has(state.index)) states.push(state)
      }
      const returned = states.slice(0, limit)
      const rendered = returned.map(({ index, change: { clientId: id, version, modified } }) =>
        Buffer.from(answerForms[output].client(madeUpClient({ seed: SEED, index, id, version, modified }))),
      )
      return { parts: rendered, last: returned.at(-1) ?? after, more: states.length > limit }
    },
  }
}

/** Number of states up to and including `place`. */
function positionAfter(ordered: readonly Place[], place: Place): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const state = ordered[middle]
    if (state !== undefined && compare(state, place) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
