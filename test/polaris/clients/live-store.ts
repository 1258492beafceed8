import { answerForms } from '../answer/answer-forms.ts'
import type { WallClock } from '../wall-clock.ts'
import { changeMaker } from './change-maker.ts'
import type { Change, ClientStore } from './client-store.ts'
import { madeUpClient, numbers } from './made-up-client.ts'
import { type ClientState, presentStates } from './present-states.ts'

/** Clients that change, with a log of every change. */
export interface LiveStore extends ClientStore {
  readonly changes: readonly Change[]
  /** Ids, in the order in which the clients were added. */
  readonly ids: readonly string[]
  /** Changes the client with this id, or else any client. */
  change(id?: string): Change
  /** Changes the first `count` clients at the same instant. */
  massUpdate(count: number): readonly Change[]
  /** Adds clients (default: one), modified now or at `at`. */
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

const SEED = 1

export function liveStore(wall: WallClock): LiveStore {
  const changes: Change[] = []
  const maker = changeMaker(wall)
  const present = presentStates()
  const listeners: ((changes: readonly Change[]) => void)[] = []
  const removed = new Map<number, ClientState>()

  const isPresent = (index: number) => !removed.has(index)
  const stateAfter = (index: number, change: Change) => ({ modified: change.modified, index, change })
  /** Changes clients at the same instant, now or at `at`. `of`: their indexes, ascending. */
  const changeAll = (of: readonly number[], at?: number) => {
    const stamp = maker.stamp(at)
    const states = of.map((index) => stateAfter(index, maker.next(index, stamp)))
    present.show(states)
    const made = states.map(({ change }) => change)
    for (const change of made) changes.push(change)
    for (const listener of listeners) listener(made)
    return made
  }
  const stateOf = (id: string) => {
    const state = present.of(maker.indexOf(id) ?? -1)
    if (state === undefined) throw new Error(`no client with id ${id}`)
    return state
  }
  const content = ({ index, change: { clientId, version, modified } }: ClientState) =>
    madeUpClient({ seed: SEED, index, id: clientId, version, modified })
  return {
    changes,
    ids: maker.ids,
    change: (id) => {
      const ids = removed.size === 0 ? maker.ids : maker.ids.filter((_, index) => isPresent(index))
      const chosen = id ?? anyOf(ids, numbers(SEED, -7, changes.length)())
      return changeAll([stateOf(chosen).index])[0] as Change
    },
    massUpdate: (count) => changeAll([...maker.ids.keys()].filter(isPresent).slice(0, count)),
    add: (count = 1, at) =>
      at === undefined
        ? maker.newClients(count).flatMap((index) => changeAll([index]))
        : changeAll(maker.newClients(count), at),
    remove: (ids) => {
      for (const id of ids) {
        const state = stateOf(id)
        present.hide(state.index)
        removed.set(state.index, state)
      }
    },
    restore: (ids) => {
      for (const id of ids) {
        const gone = removed.get(maker.indexOf(id) ?? -1)
        if (gone === undefined) throw new Error(`client ${id} is not deleted`)
        removed.delete(gone.index)
        present.show([{ ...gone }])
      }
    },
    replay: (change) => {
      changes.push(change)
      present.show([stateAfter(maker.continueAfter(change), change)])
    },
    onChange: (listener) => void listeners.push(listener),
    select: (after, limit, output) => {
      const { states, more } = present.after(after, limit)
      const rendered = states.map((state) => Buffer.from(answerForms[output].client(content(state))))
      return { parts: rendered, last: states.at(-1) ?? after, more }
    },
  }
}

function anyOf(ids: readonly string[], random: number): string {
  return ids[Math.floor(random * ids.length)] ?? ''
}
