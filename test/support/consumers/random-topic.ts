import fc from 'fast-check'
import type { EventMarks, OutgoingRecord } from '../../../connector/event/client-event.ts'
import { type EventMode, eventModes, tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import { outgoingRecord } from '../../../connector/event/outgoing-record.ts'
import { clientReader } from '../../../connector/event/read-client.ts'
import { partitionOf } from '../../../connector/kafka/partitioner.ts'
import { eventForm } from '../records.ts'

const readClient = clientReader({ clientId: 'No', modifiedAt: null }, [], {
  timeZone: 'UTC',
  ignored: new Set(),
  lists: [],
  fields: undefined,
  types: new Map([['solde', 'decimal']]),
})

export interface ClientChange {
  readonly source: string
  readonly client: string
  readonly solde: string
  readonly mode: EventMode
  readonly marks?: EventMarks
}

/** The record of a change as the connector makes it, and the content of the client. */
export function recordOfChange({ source, client, solde, mode, marks = {} }: ClientChange, sequence: number) {
  const read = readClient({ No: client, Nom: 'Zoé "Ωmega"', Solde: solde })
  const place = { sequence, previous: String(sequence), readAt: 0, idField: 'No', marks }
  const settings = { form: eventForm({ source, mode }), maxValueBytes: 100_000, deadLetterClient: 'leave-out' } as const
  return { record: outgoingRecord(read, place, settings).record, json: read.json }
}

/** The tombstones of an erasure in a topic with so many partitions: one in each, if it has grown. */
export function erasureOf(
  { source, client }: Pick<ClientChange, 'source' | 'client'>,
  topic: { readonly partitions: number; readonly hasGrown: boolean },
) {
  const erasure = { type: 'client.erased', source, clientId: client, id: 'e', timeMs: 0 } as const
  const own = partitionOf(Buffer.from(client), topic.partitions)
  return tombstones(erasure, topic.hasGrown ? [...Array(topic.partitions).keys()] : [own])
}

/** A record as a consumer receives it. */
export interface ReadRecord extends Pick<OutgoingRecord, 'headers'> {
  readonly partition: number
  readonly key: string
  readonly value: string | null
}

/** A row of a consumer's table: source, client, and the JSON text of the client. */
export type TableRow = readonly [source: string, client: string, data: string]

const change = fc.record({
  kind: fc.constantFrom('change' as const, 'change' as const, 'republish' as const),
  source: fc.constantFrom('/polaris/shops/paris', '/polaris/shops/lyon'),
  client: fc.constantFrom('1', '02', 'trois', 'é', '5', '6'),
  solde: fc.constantFrom('1204.50', '12345678901234567.10', '0.00000010', '9007199254740993', '-3.0', 'néant'),
  mode: fc.constantFrom(...eventModes),
})
const erasure = fc.record({
  kind: fc.constant('erase' as const),
  source: fc.constant('/polaris/shops/paris'),
  client: change.map(({ client }) => client),
})
const growth = fc.record({ kind: fc.constant('grow' as const) })
const step = fc.oneof(
  { weight: 8, arbitrary: change },
  { weight: 2, arbitrary: erasure },
  { weight: 1, arbitrary: growth },
)

/**
 * A topic after some changes, erasures, returns and publications again by two streams while it grew, in an order in which
 * its partitions may be read, and the rows of the clients that are left in the source.
 */
export const randomTopic = fc
  .record({ steps: fc.array(step, { minLength: 5, maxLength: 60 }), turns: fc.array(fc.nat(5), { maxLength: 200 }) })
  .map(({ steps, turns }) => {
    const logs: ReadRecord[][] = [[], []]
    const rows = new Map<string, TableRow>()
    const last = new Map<string, string>()
    const append = (partition: number, { key, value, headers }: OutgoingRecord) =>
      logs[partition]?.push({ partition, key: String(key), value: value === null ? null : String(value), headers })
    for (const [at, one] of steps.entries()) {
      if (one.kind === 'grow') {
        logs.push([])
        continue
      }
      if (one.kind === 'erase') {
        for (const tombstone of erasureOf(one, { partitions: logs.length, hasGrown: logs.length > 2 }))
          append(tombstone.partition, tombstone)
        for (const [row, [, client]] of rows) if (client === one.client) rows.delete(row)
        continue
      }
      const row = `${one.source} ${one.client}`
      const solde = one.kind === 'change' ? one.solde : (last.get(row) ?? one.solde)
      const marks = one.kind === 'change' ? {} : { republished: 'rewind' }
      const { record, json } = recordOfChange({ ...one, solde, marks }, at)
      append(partitionOf(Buffer.from(one.client), logs.length), record)
      rows.set(row, [one.source, one.client, json])
      last.set(row, solde)
    }
    return { records: interleaved(logs, turns), rows: [...rows.values()] }
  })

/** Takes the records of a partition at each turn, and then the rest. */
function interleaved(logs: readonly ReadRecord[][], turns: readonly number[]): ReadRecord[] {
  const left = logs.map((log) => [...log])
  const taken = turns.flatMap((turn) => left[turn % left.length]?.splice(0, 1) ?? [])
  return [...taken, ...left.toReversed().flat()]
}
