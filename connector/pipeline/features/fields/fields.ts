import { DAY_MS } from '../../../runtime/units.ts'
import type { VersionedObject } from '../../../storage/versioned-object.ts'
import type { Feature, FinishedPart, OpenedStream, Part } from '../part.ts'
import { type FieldChange, type FieldsEvent, type FieldTable, fieldTable } from './field-table.ts'
import { fieldsIn, noFields, type StoredFields, storeFields } from './stored-fields.ts'

export interface FieldsParts {
  readonly object: VersionedObject
  readonly newNonce: () => string
}

/** Keeps the names of the fields that clients have, and reports new, vanished and reshaped ones. */
export function fields(parts: FieldsParts): Feature {
  let watching = watchingFrom(noFields)
  let isRead = false
  return {
    name: 'fields',
    prepare: async (stop) => {
      if (isRead) return
      watching = watchingFrom(fieldsIn(await parts.object.read(stop)) ?? noFields)
      isRead = true
    },
    open: (stream) => fieldsPart(parts, watching, stream),
  }
}

interface Watching {
  readonly table: FieldTable
  isLearned: boolean
  /** Of the group before: what is found while the fields are learned is not new. */
  wasLearned: boolean
  /** What is not reported yet: its group is not delivered. */
  readonly unreported: FieldChange[]
  isDirty: boolean
  written: { readonly clients: number; readonly at: number }
}

const watchingFrom = (stored: StoredFields): Watching => ({
  table: fieldTable(stored),
  isLearned: stored.isLearned,
  wasLearned: stored.isLearned,
  isDirty: false,
  unreported: [],
  written: { clients: stored.clients, at: 0 },
})

/** A stream whose backfill was read before is known from this many clients. */
const LEARNED_CLIENTS = 1_000

function fieldsPart(parts: FieldsParts, watching: Watching, { clock }: OpenedStream): Part {
  const { table } = watching
  return {
    name: 'fields',
    published: ({ client }, _, as) => {
      // Of a client beyond its limits, only the first fields were read.
      if (as === 'changed' && client.oversizeBytes === undefined) table.add(client.client, clock.now())
    },
    endPage: ({ scan, isLast, states }) => {
      const isHistoryRead = scan.kind === 'backfill' && isLast
      const isLearned = isHistoryRead || (states.backfill === 'done' && table.clients() >= LEARNED_CLIENTS)
      if (!watching.isLearned && isLearned) Object.assign(watching, { isLearned, isDirty: true })
      return undefined
    },
    finish: () => finished(parts, watching, clock.now()),
  }
}

function finished(parts: FieldsParts, watching: Watching, now: number): FinishedPart | undefined {
  const { table, unreported, wasLearned } = watching
  const found = table.changes()
  if (found.length > 0) watching.isDirty = true
  if (wasLearned) unreported.push(...found)
  watching.wasLearned = watching.isLearned
  if (!watching.isDirty && !isOutdated(watching, now)) return undefined
  return {
    events: reports(unreported),
    delivered: (finish) => {
      unreported.length = 0
      return store(parts, watching, { now, finish })
    },
  }
}

/** Counts are written now and then: names change rarely. */
function isOutdated({ table, written }: Watching, now: number): boolean {
  const clients = table.clients()
  return clients >= 2 * Math.max(written.clients, 50) || (clients > written.clients && now - written.at >= DAY_MS)
}

function reports(changes: readonly FieldChange[]): FieldsEvent[] {
  const kinds = ['new', 'reshaped', 'vanished'] as const
  return kinds.flatMap((change): FieldsEvent[] => {
    const named = changes.filter((one) => one.change === change).map(({ field }) => field)
    return named.length === 0 ? [] : [{ kind: 'fields-changed', change, fields: named }]
  })
}

/** Outside the transaction: if it fails, a later group writes the table. */
async function store(
  { object, newNonce }: FieldsParts,
  watching: Watching,
  { now, finish }: { readonly now: number; readonly finish: AbortSignal },
): Promise<void> {
  const { table, isLearned } = watching
  const stored = { clients: table.clients(), isLearned, fields: table.fields() }
  watching.written = { clients: stored.clients, at: now }
  watching.isDirty = false
  try {
    await storeFields(object, { fields: stored, nonce: newNonce() }, finish)
  } catch {
    watching.isDirty = true
  }
}
