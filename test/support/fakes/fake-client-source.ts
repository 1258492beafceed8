import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  Page,
  ReadArguments,
  SourceTime,
} from '../../../connector/source/client-source.ts'
import { wallClock } from '../../../connector/source/source-time.ts'

/** `fail`: a transient error. `refuse`: a call with a token is rejected, as if the token had expired. */
export type SourceFault = 'none' | 'fail' | 'refuse'

export interface FakePolarisOptions {
  readonly now: () => number
  readonly timeZone: string
  /** Awaited before each response; `replica` made the request. */
  readonly fault?: (at: ReadArguments, replica: string) => SourceFault | Promise<SourceFault>
  /** Whether clients carry `DateModification`. */
  readonly modificationTime: 'shown' | 'hidden'
}

/** One version of a client, as the source stored it. */
interface FakeChange {
  readonly clientId: string
  readonly version: number
  readonly content: string
}

/** An in-memory Polaris server, shared by all replicas: clients ordered by last change, paged by key. */
export interface FakePolaris {
  source(replica: string): ClientSource
  /** Changes a client. */
  change(clientId: string): void
  readonly changes: readonly FakeChange[]
}

interface Row {
  readonly id: string
  readonly modified: SourceTime
  /** Orders changes within one second. */
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
        const outcome = await fault(at, replica)
        stop.throwIfAborted()
        if (outcome === 'fail') throw new ConnectorError('source.unreachable', 'fake: no answer')
        if (outcome === 'refuse' && at.checkPoint !== null)
          throw new ConnectorError('source.request-refused', 'fake: token refused')
        return read(at)
      },
    }),
    change: (clientId) => {
      const version = (rows.get(clientId)?.change.version ?? 0) + 1
      const change = { clientId, version, content: `v${version}` }
      changes.push(change)
      rows.set(clientId, {
        id: clientId,
        modified: wallClock(now(), timeZone),
        number: changes.length,
        change,
      })
    },
    changes,
  }
}

const keyOf = (row: Row) => `${row.modified}|${String(row.number).padStart(9, '0')}`
const byKey = (left: Row, right: Row) => (keyOf(left) < keyOf(right) ? -1 : 1)

/** Checks invariant 5: a token must come with the arguments that it was issued for. */
function parseToken(token: CheckPoint, at: ReadArguments): string {
  const [lastChanged, limit, key] = JSON.parse(token) as [string, number, string]
  if (lastChanged !== at.lastChanged || limit !== at.limit)
    throw new Error('a checkPoint was sent with arguments other than its original ones')
  return key
}

function toRecord(
  { id, modified, change }: Row,
  modificationTime: FakePolarisOptions['modificationTime'],
): ClientRecord {
  const record = { No: id, Contenu: change.content }
  return modificationTime === 'shown' ? { ...record, DateModification: modified } : record
}
