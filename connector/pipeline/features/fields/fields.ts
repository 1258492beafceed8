import { z } from 'zod'
import type { NewFieldRule } from '../../../event/fields/field-rules.ts'
import { listShaper } from '../../../event/list-shapes.ts'
import type { ReadClient } from '../../../event/read-client.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { DAY_MS } from '../../../runtime/units.ts'
import type { Scan } from '../../../scan/scan-state.ts'
import type { ClientRecord } from '../../../source/client-source.ts'
import type { VersionedObject } from '../../../storage/versioned-object.ts'
import type { Adding } from '../../group/open-group.ts'
import { type Feature, type FinishedPart, type OpenedStream, type Part, parsedState } from '../part.ts'
import { type FieldChange, type FieldsEvent, type FieldTable, fieldTable } from './field-table.ts'
import { fieldsIn, noFields, type StoredFields, storeFields } from './stored-fields.ts'

export interface FieldsParts {
  readonly object: VersionedObject
  readonly newNonce: () => string
  readonly rule: NewFieldRule
}

/** Keeps the names of the fields that clients have, and reports new, vanished and reshaped ones. */
export function fields(parts: FieldsParts): Feature {
  let watching = watchingFrom(noFields)
  let isRead = false
  return {
    name: 'fields',
    prepare: async (stored, stop) => {
      if (!isRead) watching = watchingFrom(fieldsIn(await parts.object.read(stop)) ?? noFields)
      mustBeKnown(parts.rule, watching, fieldsStateIn(stored))
      isRead = true
      // What is dropped from now on must be known to the replica that runs the stream next.
      if (watching.isDropping) await write(parts, watching, stop)
      watching.isDropping = false
    },
    // The topic may have events in which these fields are lists.
    kept: async (stop) => {
      const { fields } = fieldsIn(await parts.object.read(stop)) ?? noFields
      const lists = fields.filter(({ shapes }) => shapes.includes('list')).map(({ path }) => path)
      return ({ rules, events }) => ({ rules, events, lists: lists.filter((path) => !path.endsWith('*')) })
    },
    examine: (clients) => {
      if (parts.rule.action === 'hold' && watching.isLearned) mustHaveNone(newFieldsIn(parts.rule, watching, clients))
    },
    dropped: () => (parts.rule.action === 'drop' ? watching.dropped.filter(isNotAccepted(parts.rule)) : []),
    open: (stream) => fieldsPart(parts, watching, stream),
  }
}

/** What the checkpoint has of the fields, so that a lost object is noticed: whether it has been written since they are known. */
const fieldsState = z.object({ isLearned: z.literal(true) }).optional()
const fieldsStateIn = (stored: unknown) => parsedState('fields', fieldsState, stored)

/** Otherwise fields that are dropped, or new, would be published as if they had always been there. */
function mustBeKnown({ action }: NewFieldRule, { isLearned }: Watching, state: z.infer<typeof fieldsState>): void {
  if (action === 'keep' || state === undefined || isLearned) return
  const why = 'the names of its fields are lost, and event.newFields would publish new fields'
  throw new ConnectorError('checkpoint.fields-lost', `open stream: ${why}`)
}

interface Watching {
  readonly table: FieldTable
  isLearned: boolean
  /** Whether the object says so. */
  isStored: boolean
  /** Of the group before: what is found while the fields are learned is not new. */
  wasLearned: boolean
  /** What is not reported yet: its group is not delivered. */
  readonly unreported: FieldChange[]
  isDirty: boolean
  /** Paths of fields that were new, and whether some are not stored yet. */
  readonly dropped: string[]
  isDropping: boolean
  written: { readonly clients: number; readonly at: number }
}

const watchingFrom = (stored: StoredFields): Watching => ({
  table: fieldTable(stored),
  isLearned: stored.isLearned,
  isStored: stored.isLearned,
  wasLearned: stored.isLearned,
  isDirty: false,
  unreported: [],
  dropped: [...stored.dropped],
  isDropping: false,
  written: { clients: stored.clients, at: 0 },
})

/** A stream whose backfill was read before is known from this many clients. */
const LEARNED_CLIENTS = 1_000

function fieldsPart(parts: FieldsParts, watching: Watching, { clock, group, stored }: OpenedStream): Part {
  const { table } = watching
  const state = fieldsStateIn(stored)
  const learnsFrom = ({ kind }: Scan) => !watching.isLearned && (kind === 'backfill' || kind === 'full')
  const add = ({ shaped, oversizeBytes }: ReadClient) => {
    // Of a client beyond its limits, only the first fields were read.
    if (oversizeBytes === undefined) table.add(shaped, clock.now())
  }
  return {
    name: 'fields',
    returned: ({ client }, scan) => {
      // A history that is read again publishes little.
      if (learnsFrom(scan)) add(client)
      return undefined
    },
    admit: function* ({ page, lists }): Adding {
      if (parts.rule.action === 'keep' || !watching.isLearned) return 'whole'
      const found = newFieldsIn(parts.rule, watching, page.clients.map(listShaper(lists)))
      if (found.length === 0) return 'whole'
      // What was gathered before is delivered first.
      if (group.added.pages > 0) yield 'part'
      if (parts.rule.action === 'hold') mustHaveNone(found)
      watching.dropped.push(...found)
      watching.isDropping = true
      throw new ConnectorError('event.fields-dropped', `read page: dropping new fields: ${found.join(', ')}`)
    },
    published: ({ client }, scan, as) => {
      if (as === 'changed' && !learnsFrom(scan)) add(client)
    },
    endPage: ({ scan, isLast, states }) => {
      const isHistoryRead = scan.kind === 'backfill' && isLast
      const isLearned = isHistoryRead || (states.backfill === 'done' && table.clients() >= LEARNED_CLIENTS)
      if (!watching.isLearned && isLearned) Object.assign(watching, { isLearned, isDirty: true })
      return undefined
    },
    finish: () => finished(parts, watching, clock.now()),
    state: () => (watching.isStored ? { isLearned: true } : state),
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
  parts: FieldsParts,
  watching: Watching,
  { now, finish }: { readonly now: number; readonly finish: AbortSignal },
): Promise<void> {
  watching.written = { clients: watching.table.clients(), at: now }
  watching.isDirty = false
  try {
    await write(parts, watching, finish)
  } catch {
    watching.isDirty = true
  }
}

async function write({ object, newNonce }: FieldsParts, watching: Watching, finish: AbortSignal): Promise<void> {
  const { table, isLearned, dropped } = watching
  const fields = { clients: table.clients(), isLearned, fields: table.fields(), dropped }
  await storeFields(object, { fields, nonce: newNonce() }, finish)
  watching.isStored = isLearned
}

/** The paths of fields that no client had before, and that have no rule. */
function newFieldsIn(
  rule: NewFieldRule,
  { table, dropped }: Watching,
  clients: readonly ClientRecord[],
): readonly string[] {
  const paths = new Set(clients.flatMap((client) => table.unknownIn(client)).map((path) => path.toLowerCase()))
  if (paths.size === 0) return []
  // Rules compare paths without case.
  const known = new Set([...dropped, ...table.fields().map(({ path }) => path.toLowerCase())])
  return [...paths].filter((path) => !known.has(path) && isNotAccepted(rule)(path))
}

const isNotAccepted =
  ({ accepted }: NewFieldRule) =>
  (path: string) =>
    !accepted.has(path) && !accepted.has(path.split('.', 1)[0] ?? path)

function mustHaveNone(found: readonly string[]): void {
  if (found.length === 0) return
  throw new ConnectorError('event.new-fields', `read page: clients have new fields: ${found.join(', ')}`)
}
