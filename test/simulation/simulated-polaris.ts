import { sha256 } from '../../connector/event/canonical-json.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  ClientValue,
  Page,
  ReadArguments,
  SourceTime,
} from '../../connector/source/client-source.ts'
import { wallClock } from '../../connector/source/source-time.ts'

/**
 * `fail`: a transient error. `trouble`: a 404, as while the service starts; transient for a stream that has read pages.
 * `refuse`: a call with a token is rejected, and the next one with it, as if the token had expired.
 */
export type SourceFault = 'none' | 'fail' | 'trouble' | 'refuse'

/** How a server may behave within its documentation. */
export interface Behaviour {
  /**
   * `frozen`: all pages of a scan show the clients as they were at its first page. `listed`: only which clients they show,
   * and in which order, was decided then.
   */
  readonly scans: 'current' | 'frozen' | 'listed'
  /** By the last change, or in an order of its own. */
  readonly order: 'oldest first' | 'newest first' | 'random'
  /** What clients show of their modification time. */
  readonly modificationTime: 'shown' | 'day' | 'hidden'
}

export interface PolarisParts extends Behaviour {
  readonly now: () => number
  readonly timeZone: string
  /** What the `Date` header says instead of the time; undefined: no header. */
  readonly date: () => number | undefined
  /** Awaited before each response; `replica` made the request. */
  readonly fault: (replica: string) => Promise<SourceFault>
  /** How many records of all streams are visible. */
  readonly records: () => number
}

/** One version of a client, in the order in which versions became visible. */
export interface Change {
  readonly clientId: string
  readonly content: string
  /** When it became visible, in ms since 1970. */
  readonly at: number
  /** How old its modification time was then. */
  readonly lateMs: number
}

/** A Polaris server in memory, shared by all replicas: clients by their last change, paged by key. */
export interface SimulatedPolaris {
  source(replica: string): ClientSource
  /** A deleted client exists again. */
  change(change: Omit<Change, 'at'>): void
  readonly changes: readonly Change[]
  /** Deletes a client, or returns a deleted one as it was. */
  deleteOrReturn(clientId: string): void
  readonly deletions: readonly Deletion[]
}

/** A client did not exist for some time, which is measured by how many records of all streams were visible. */
interface Deletion {
  readonly clientId: string
  /** How many changes were visible when it began. */
  readonly changesBefore: number
  /** Undefined: it still does not exist. */
  readonly endsAt: number | undefined
}

interface Row extends Change {
  readonly modified: SourceTime
  /** Orders changes within one second. */
  readonly number: number
}

export function simulatedPolaris(parts: PolarisParts): SimulatedPolaris {
  const { now, timeZone, fault, scans, order } = parts
  const keyOf = keys[order]
  const rows = new Map<string, Row>()
  const changes: Change[] = []
  const deleted = new Map<string, Row>()
  const deletions: { -readonly [Key in keyof Deletion]: Deletion[Key] }[] = []
  const exists = (clientId: string) => {
    deleted.delete(clientId)
    const deletion = deletions.findLast((one) => one.clientId === clientId)
    if (deletion !== undefined) deletion.endsAt ??= parts.records()
  }
  const views: (readonly Row[])[] = []
  const refused = new Set<CheckPoint>()

  const read = (at: ReadArguments): Page => {
    const byKey = (left: Row, right: Row) => (keyOf(left) < keyOf(right) ? -1 : 1)
    const current = [...rows.values()].filter(({ modified }) => modified >= at.lastChanged).sort(byKey)
    const [, , key, view] = at.checkPoint === null ? first(current, views) : parsed(at.checkPoint, at)
    const due = (scans === 'current' ? current : (views[view] ?? [])).filter((row) => keyOf(row) > key)
    const listed = due.slice(0, at.limit)
    const clients = scans === 'listed' ? listed.flatMap(({ clientId }) => rows.get(clientId) ?? []) : listed
    const token: Token = [at.lastChanged, at.limit, listed.length === 0 ? key : keyOf(listed.at(-1) as Row), view]
    return {
      clients: clients.map((row) => toRecord(row, parts)),
      hasMoreResults: due.length > listed.length,
      checkPoint: JSON.stringify(scans === 'current' ? token.slice(0, 3) : token) as CheckPoint,
      serverTime: parts.date(),
      tookMs: 0,
      bytes: clients.length,
    }
  }
  return {
    source: (replica) => ({
      read: async (at) => {
        const outcome = await fault(replica)
        if (outcome === 'fail') throw new ConnectorError('source.unreachable', 'simulated: no answer')
        if (outcome === 'trouble') throw new ConnectorError('source.function-missing', 'simulated: 404')
        const token = at.checkPoint
        if (token !== null && (outcome === 'refuse' ? refused.add(token) : refused.delete(token)))
          throw new ConnectorError('source.request-refused', 'simulated: token refused')
        return read(at)
      },
    }),
    change: (made) => {
      const change = { ...made, at: now() }
      changes.push(change)
      exists(made.clientId)
      const modified = wallClock(change.at - change.lateMs, timeZone)
      rows.set(change.clientId, { ...change, modified, number: changes.length })
    },
    changes,
    deleteOrReturn: (clientId) => {
      const row = rows.get(clientId)
      const hidden = deleted.get(clientId)
      if (hidden !== undefined) {
        exists(clientId)
        rows.set(clientId, hidden)
      } else if (row !== undefined) {
        rows.delete(clientId)
        deleted.set(clientId, row)
        deletions.push({ clientId, changesBefore: changes.length, endsAt: undefined })
      }
    },
    deletions,
  }
}

/** `lastChanged`, limit, key of the last client, and the number of the frozen view. */
type Token = readonly [string, number, string, number]

function first(current: readonly Row[], views: (readonly Row[])[]): Token {
  views.push(current)
  return ['', 0, '', views.length - 1]
}

/** Invariant 5: a token must come with the arguments that it was issued for. */
function parsed(token: CheckPoint, at: ReadArguments): Token {
  const [lastChanged, limit, key, view = 0] = JSON.parse(token) as Token
  if (lastChanged !== at.lastChanged || limit !== at.limit)
    throw new Error('a checkPoint was sent with arguments other than its original ones')
  return [lastChanged, limit, key, view]
}

const byChange = (row: Row) => `${row.modified}|${String(row.number).padStart(9, '0')}`

/** Places a client in the order of a server. */
const keys: Record<Behaviour['order'], (row: Row) => string> = {
  'oldest first': byChange,
  'newest first': (row) => byChange(row).replace(/\d/g, (digit) => `${9 - Number(digit)}`),
  random: ({ clientId }) => sha256(clientId),
}

/** As XML shows an element around a list: without an item like an empty text, with one like an object. */
function cardsOf(content: string): ClientValue {
  const [one, two] = [1, 2].map((number) => ({ Code: `${content}-${number}`, Type: 'OR' }))
  const number = Number.parseInt(sha256(content), 36) % 3 || 0
  return ['', { Carte: one ?? '' }, { Carte: [one ?? '', two ?? ''] }][number] ?? ''
}

/** Decimals of which a reader that rounds them would lose digits, and texts that are none. */
function balanceOf(content: string): ClientValue {
  const balances = ['1.50', '-0', '9007199254740993', '007', '']
  return balances[Number.parseInt(sha256(content), 36) % balances.length || 0] ?? ''
}

function toRecord({ clientId, content, modified }: Row, { modificationTime }: Behaviour): ClientRecord {
  const record = { No: clientId, Contenu: content, Cartes: cardsOf(content), Solde: balanceOf(content) }
  if (modificationTime === 'hidden') return record
  return { ...record, DateModification: modificationTime === 'day' ? modified.slice(0, 10) : modified }
}

export function isDeleted({ deletions }: SimulatedPolaris, client: string): boolean {
  return deletions.some(({ clientId, endsAt }) => clientId === client && endsAt === undefined)
}

/** Whether the client was deleted after this change: if it was returned, only a full scan finds it. */
export function wasDeletedSince(
  { deletions, changes }: Pick<SimulatedPolaris, 'deletions' | 'changes'>,
  change: Change,
): boolean {
  const at = changes.indexOf(change)
  return deletions.some(({ clientId, changesBefore }) => clientId === change.clientId && changesBefore > at)
}
