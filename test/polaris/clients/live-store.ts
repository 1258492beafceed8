import type { AnswerForm, Output } from '../answer/answer-form.ts'
import { agenda } from './agenda.ts'
import type { Change } from './change.ts'
import { type ChangeMakerParts, changeMaker } from './change-maker.ts'
import type { ClientStore } from './client-store.ts'
import { type Fields, type ModificationField, madeUpClient, numbers } from './made-up-client.ts'
import { type ClientChange, type ClientState, stateLog } from './state-log.ts'

interface ChangeOptions {
  /** Restores the content of this earlier version, including `NoVersion` (A → B → A). */
  readonly like?: number
  /** Modification instant (ms since 1970) if not now, as from a shop that was offline. */
  readonly at?: number
  /** Becomes visible after this time. Default: as `LateOptions` say. */
  readonly lateMs?: number
}

/** Changes that become visible late, such as those of long transactions. Their modification time is not late. */
export interface LateOptions {
  /** Every n-th call of `change` and every n-th client of a mass update is late. */
  readonly every: number
  readonly delayMs: number
}

export const DEFAULT_LATE: LateOptions = { every: Number.POSITIVE_INFINITY, delayMs: 3_600_000 }

/** Clients that change, with a log of every change. */
export interface LiveStore extends ClientStore {
  /** Includes the changes that are not yet visible. */
  readonly changes: readonly Change[]
  /** Ids, in the order in which the clients were added. */
  readonly ids: readonly string[]
  /** Changes the client with this id, or else any client. */
  change(id?: string, options?: ChangeOptions): Change
  /**
   * Gives a client new content at the first instant and its present content again at the second (A → B → A). Both
   * changes are made when the simulator's clock has reached their instants, which are their modification times.
   */
  changeAndBack(id: string, at: readonly [number, number]): void
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
  /** The visible fields of a client. */
  fieldsOf(id: string): Fields
  /** Calls `listener` for all later changes that are not replays. */
  onChange(listener: (changes: readonly Change[]) => void): void
}

export interface LiveStoreParts extends ChangeMakerParts {
  readonly seed: number
  /** Whether clients have a `DateModification`. */
  readonly hasModificationTime: boolean
  readonly modificationField: ModificationField
  readonly forms: Record<Output, AnswerForm>
  now(): number
  /** Evaluated at every change. */
  late(): LateOptions
}

export function liveStore(parts: LiveStoreParts): LiveStore {
  const changes: Change[] = []
  const maker = changeMaker(parts)
  const log = stateLog()
  const { add: later, settle } = agenda(parts.now)
  const listeners: ((changes: readonly Change[]) => void)[] = []
  const removed = new Map<number, ClientChange>()
  let turn = 0

  const isOnTime = () => {
    turn += 1
    return turn % parts.late().every !== 0
  }
  const isPresent = (index: number) => !removed.has(index)
  const present = () => (removed.size === 0 ? maker.ids : maker.ids.filter((_, index) => isPresent(index)))
  const isNewest = ({ index, change }: ClientChange) => (log.current(index)?.change.sequence ?? 0) < change.sequence
  /** Changes clients at the same instant. `of`: their indexes, ascending. */
  const changeAll = (of: readonly number[], options: ChangeOptions, isPrompt = (_: ClientChange) => true) => {
    const stamp = maker.stamp(options.at)
    const made = of.map((index) => ({ index, change: maker.next(index, stamp, options.like) }))
    const onTime = made.filter(isPrompt)
    log.show(onTime)
    if (onTime.length < made.length) {
      const shown = new Set(onTime)
      const late = made.filter((one) => !shown.has(one))
      later(parts.now() + (options.lateMs ?? parts.late().delayMs), () => log.show(late.filter(isNewest)))
    }
    const all = made.map(({ change }) => change)
    for (const change of all) changes.push(change)
    for (const listener of listeners) listener(all)
    return all
  }
  const stateOf = (id: string) => {
    settle()
    const state = log.current(maker.indexOf(id) ?? -1)
    if (state === undefined) throw new Error(`no client with id ${id}`)
    return state
  }
  const content = ({ index, change: { clientId, version, modified, instant } }: ClientState) =>
    madeUpClient({
      ...{ seed: parts.seed, index, id: clientId, version },
      modified: parts.hasModificationTime ? { wall: modified, instant, field: parts.modificationField } : undefined,
    })
  const rendered = (state: ClientState, output: Output) => Buffer.from(parts.forms[output].client(content(state)))
  return {
    changes,
    ids: maker.ids,
    change: (id = anyOf(present(), numbers(parts.seed, -7, changes.length)()), options = {}) =>
      changeAll([stateOf(id).index], options, options.lateMs === undefined ? isOnTime : () => false)[0] as Change,
    changeAndBack: (id, [there, back]) => {
      const { index, change } = stateOf(id)
      later(there, () => changeAll([index], { at: there }))
      later(back, () => changeAll([index], { at: back, like: change.version }))
      settle()
    },
    massUpdate: (count) => {
      settle()
      return changeAll([...maker.ids.keys()].filter(isPresent).slice(0, count), {}, isOnTime)
    },
    add: (count = 1, at) =>
      at === undefined
        ? maker.newClients(count).flatMap((index) => changeAll([index], {}))
        : changeAll(maker.newClients(count), { at }),
    remove: (ids) => {
      for (const id of ids) {
        const { index, change } = stateOf(id)
        log.hide(index)
        removed.set(index, { index, change })
      }
    },
    restore: (ids) => {
      for (const id of ids) {
        const gone = removed.get(maker.indexOf(id) ?? -1)
        if (gone === undefined) throw new Error(`client ${id} is not deleted`)
        removed.delete(gone.index)
        log.show([gone])
      }
    },
    replay: (change) => {
      changes.push(change)
      log.show([{ index: maker.continueAfter(change), change }])
    },
    fieldsOf: (id) => content(stateOf(id)),
    onChange: (listener) => void listeners.push(listener),
    snapshot: () => {
      settle()
      return log.shown()
    },
    indexes: (after) => {
      settle()
      return log.after(after, Number.POSITIVE_INFINITY).states.map(({ index }) => index)
    },
    present: (indexes, output) => {
      settle()
      return indexes.flatMap((index) => {
        const state = log.current(index)
        return state === undefined ? [] : [rendered(state, output)]
      })
    },
    select: (after, limit, output, asOf) => {
      settle()
      const { states, more } = log.after(after, limit, asOf)
      return {
        parts: states.map((state) => rendered(state, output)),
        count: states.length,
        last: states.at(-1) ?? after,
        more,
      }
    },
  }
}

function anyOf(ids: readonly string[], random: number): string {
  return ids[Math.floor(random * ids.length)] ?? ''
}
