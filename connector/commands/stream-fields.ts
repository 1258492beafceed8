import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { committedByRecord } from '../checkpoint/transitions.ts'
import { streamFeatureObject, streamObject } from '../compose/compose-stream.ts'
import type { SharedResources } from '../compose/shared-resources.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import type { ValueType } from '../event/fields/field-types.ts'
import { listsInForce } from '../event/list-shapes.ts'
import { fieldsIn, type StoredFields } from '../pipeline/features/fields/stored-fields.ts'
import { mistypedCounts } from '../pipeline/features/mistyped/mistyped.ts'

/** What is known of the fields of a stream. */
export interface StreamFields extends StoredFields {
  /** Those that are lists in every event. */
  readonly lists: readonly string[]
  /** The configured ones, each with the number of published clients in which a value did not fit it. */
  readonly types: readonly TypedField[]
}

interface TypedField {
  readonly path: string
  readonly type: ValueType
  readonly mistyped: number
}

/** Undefined: no client was published yet. Rejects as a read of the store does, and with `checkpoint.*`. */
export async function readFields(
  stream: StreamConfig,
  shared: SharedResources,
  stop: AbortSignal,
): Promise<StreamFields | undefined> {
  const stored = fieldsIn(await streamFeatureObject(stream, shared)('fields').read(stop))
  if (stored === undefined) return undefined
  const document = await streamObject(stream, shared).read(stop)
  // A pending transaction was probably committed.
  const state = document && committedByRecord(parseDocument(document.text)).state
  const types = stream.event.types ?? new Map<string, ValueType>()
  const counts = mistypedCounts(types, state?.parts.mistyped)
  return {
    ...stored,
    lists: listsInForce(stream.fields.lists, state?.mapping?.lists ?? null),
    types: [...types].map(([path, type]) => ({ path, type, mistyped: counts.get(path) ?? 0 })),
  }
}
