import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  Page,
  ReadArguments,
  SourceTime,
} from '../../connector/source/client-source.ts'
import { wallClock } from '../../connector/source/source-time.ts'

/** `fail`: transient error. `refuse`: a call with a token is refused, as an expired one is. */
export type SourceFault = 'none' | 'fail' | 'refuse'

export interface FakePolarisOptions {
  readonly now: () => number
  readonly timeZone: string
  /** Awaited before each answer is made; `replica` is who asks. */
  readonly fault?: (at: ReadArguments, replica: string) => SourceFault | Promise<SourceFault>
  /** Whether clients carry `DateModification`. */
  readonly modificationTime: 'shown' | 'hidden'
}

/** One version of a client, as the source took it. */
export interface FakeChange {
  readonly clientId: string
  readonly version: number
  readonly content: string
}

/** A Polaris back office in memory, shared by all replicas: clients sorted by the wall clock of their last change, paged by key. */
export interface FakePolaris {
  source(replica: string): ClientSource
  /** Changes a client now; `content` may be one that it had before. `lateMs`: it became visible so long after its modification. */
  change(clientId: string, content?: string, lateMs?: number): void
  readonly changes: readonly FakeChange[]
}

interface Row {
  readonly id: string
  readonly modified: SourceTime
  /** Orders the changes of one second. */
  readonly number: number
  readonly change: FakeChange
}

export function fakePolaris({
  now,
  timeZone,
  fault = () => 'none',
  modificationTime,
}: FakePolarisOptions): FakePolaris {
  const rows = new Map<string, Row>()
  const changes: FakeChange[] = []

  const read = (at: ReadArguments): Page => {
    const after = at.checkPoint === null ? undefined : parseToken(at.checkPoint, at)
    const due = [...rows.values()]
      .filter((row) => row.modified >= at.lastChanged && (after === undefined || keyOf(row) > after))
      .sort(byKey)
    const clients = due.slice(0, at.limit)
    const last = clients.at(-1)
    const token =
      last === undefined ? at.checkPoint : (JSON.stringify([at.lastChanged, at.limit, keyOf(last)]) as CheckPoint)
    return {
      clients: clients.map((row) => toRecord(row, modificationTime)),
      hasMoreResults: due.length > clients.length,
      checkPoint: token,
      serverTime: Math.floor(now() / 1000) * 1000,
      tookMs: 0,
      bytes: clients.length,
    }
  }

  return {
    source: (replica) => ({
      read: async (at, stop) => {
        stop.throwIfAborted()
        const fate = await fault(at, replica)
        stop.throwIfAborted()
        if (fate === 'fail') throw new ConnectorError('source.unreachable', 'fake: no answer')
        if (fate === 'refuse' && at.checkPoint !== null)
          throw new ConnectorError('source.request-refused', 'fake: token refused')
        return read(at)
      },
    }),
    change: (clientId, content, lateMs = 0) => {
      const version = (rows.get(clientId)?.change.version ?? 0) + 1
      const change = { clientId, version, content: content ?? `v${version}` }
      changes.push(change)
      rows.set(clientId, {
        id: clientId,
        modified: wallClock(now() - lateMs, timeZone),
        number: changes.length,
        change,
      })
    },
    changes,
  }
}

const keyOf = (row: Row) => `${row.modified}|${String(row.number).padStart(9, '0')}`
const byKey = (left: Row, right: Row) => (keyOf(left) < keyOf(right) ? -1 : 1)

/** Invariant 5 in the flesh: a token that comes with other arguments is refused. */
function parseToken(token: CheckPoint, at: ReadArguments): string {
  const [lastChanged, limit, key] = JSON.parse(token) as [string, number, string]
  if (lastChanged !== at.lastChanged || limit !== at.limit)
    throw new Error('a checkPoint came with other arguments than its own')
  return key
}

function toRecord(
  { id, modified, change }: Row,
  modificationTime: FakePolarisOptions['modificationTime'],
): ClientRecord {
  const record = { No: id, Contenu: change.content }
  return modificationTime === 'shown' ? { ...record, DateModification: modified } : record
}
