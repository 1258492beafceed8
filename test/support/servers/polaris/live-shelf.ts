import type { AnswerForm, Output } from './answer-form.ts'
import { type ClientShelf, compare, type Place } from './client-shelf.ts'
import { type Fields, madeUpClient, numbers } from './made-up-client.ts'
import type { WallClock, WallText } from './wall-clock.ts'

/** One change that the source really had: what a reader of the events is checked against. */
export interface Change {
  /** Counts all changes of all clients from 1, in the order in which they happened. */
  readonly sequence: number
  readonly clientId: string
  /** `NoVersion` in the client's content. */
  readonly version: number
  /** Modification time as the server keeps it: wall clock of its zone. */
  readonly modified: WallText
  /** The same as milliseconds since 1970. */
  readonly instant: number
}

export interface ChangeOptions {
  /** The content of that earlier version comes back, `NoVersion` included (A → B → A). */
  readonly like?: number
  /** Modification instant (ms since 1970) other than now: a shop that was offline. */
  readonly at?: number
}

/** Clients that change, and the log of every change. */
export interface LiveShelf extends ClientShelf {
  readonly changes: readonly Change[]
  /** Ids in the order in which the clients were added. */
  readonly ids: readonly string[]
  /** Changes one client: by id, or any. */
  change(id?: string, options?: ChangeOptions): Change
  /** Adds clients (one), modified now or at `at`. */
  add(count?: number, at?: number): readonly Change[]
  /** Does again what another shelf once did. */
  replay(change: Change): void
  fieldsOf(id: string): Fields
  /** From now on `listener` hears of every change but the replayed ones. */
  onChange(listener: (change: Change) => void): void
}

export interface LiveShelfParts {
  readonly seed: number
  readonly firstId: bigint
  /** Whether clients show when they were modified. */
  readonly hasModificationTime: boolean
  readonly wall: WallClock
  readonly forms: Record<Output, AnswerForm>
  now(): number
}

interface Entry extends Place {
  readonly id: string
  readonly instant: number
  readonly version: number
  readonly rendered: Partial<Record<Output, Buffer>>
}

export function liveShelf(parts: LiveShelfParts): LiveShelf {
  const changes: Change[] = []
  const ids: string[] = []
  const entries = new Map<string, Entry>()
  const latest = new Map<string, number>()
  const ordered: Entry[] = []
  const listeners: ((change: Change) => void)[] = []
  let lastInstant = 0

  const put = (change: Change) => {
    const known = entries.get(change.clientId)
    const index = known?.index ?? ids.push(change.clientId) - 1
    if (known !== undefined) ordered.splice(placeOf(ordered, known), 1)
    const entry = { ...change, id: change.clientId, index, rendered: {} }
    ordered.splice(placeOf(ordered, entry), 0, entry)
    entries.set(entry.id, entry)
    latest.set(entry.id, Math.max(latest.get(entry.id) ?? 0, change.version))
    lastInstant = Math.max(lastInstant, change.instant)
    changes.push(change)
  }
  const happen = (clientId: string, version: number, at: number | undefined) => {
    const instant = at ?? Math.max(parts.now(), lastInstant + 1)
    const change = { sequence: changes.length + 1, clientId, version, modified: parts.wall.at(instant), instant }
    put(change)
    for (const listener of listeners) listener(change)
    return change
  }
  const entryOf = (id: string) => {
    const entry = entries.get(id)
    if (entry === undefined) throw new Error(`no client has the id ${id}`)
    return entry
  }
  const content = ({ id, index, version, modified, instant }: Entry) =>
    madeUpClient({
      ...{ seed: parts.seed, index, id, version },
      modified: parts.hasModificationTime ? { wall: modified, instant } : undefined,
    })
  return {
    changes,
    ids,
    change: (id = anyOf(ids, numbers(parts.seed, -7, changes.length)()), { like, at } = {}) =>
      happen(entryOf(id).id, like ?? (latest.get(id) ?? 0) + 1, at),
    add: (count = 1, at) =>
      Array.from({ length: count }, () => happen(String(parts.firstId + BigInt(ids.length)), 1, at)),
    replay: put,
    fieldsOf: (id) => content(entryOf(id)),
    onChange: (listener) => void listeners.push(listener),
    select: (after, limit, output) => {
      const start = placeOf(ordered, after, 1)
      const chosen = ordered.slice(start, start + limit)
      return {
        parts: chosen.map((entry) => {
          entry.rendered[output] ??= Buffer.from(parts.forms[output].client(content(entry)))
          return entry.rendered[output]
        }),
        count: chosen.length,
        last: chosen.at(-1) ?? after,
        more: start + limit < ordered.length,
      }
    },
  }
}

function anyOf(ids: readonly string[], chance: number): string {
  return ids[Math.floor(chance * ids.length)] ?? ''
}

/** How many entries come before `place`, or before and at it (`and` = 1). */
function placeOf(ordered: readonly Place[], place: Place, and = 0): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = ordered[middle]
    if (entry !== undefined && compare(entry, place) < and) low = middle + 1
    else high = middle
  }
  return low
}
