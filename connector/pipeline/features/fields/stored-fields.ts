import { z } from 'zod'
import type { StoredText, VersionedObject } from '../../../storage/versioned-object.ts'
import type { SeenField } from './field-table.ts'

/** The fields of a stream, as they are stored beside its checkpoint: names, never a value. */
export interface StoredFields {
  /** Published clients whose fields were counted. */
  readonly clients: number
  /** Whether fields that are not among them are new. */
  readonly isLearned: boolean
  readonly fields: readonly SeenField[]
  /** Paths of fields that were new and are dropped. */
  readonly dropped: readonly string[]
}

export const noFields: StoredFields = { clients: 0, isLearned: false, fields: [], dropped: [] }

const FORMAT = 1
const count = z.int().nonnegative()

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** Unique for each write, as `VersionedObject` requires. */
  nonce: z.string(),
  clients: count,
  isLearned: z.boolean(),
  dropped: z.array(z.string()),
  fields: z.array(
    z.object({
      path: z.string(),
      clients: count,
      filled: count,
      shapes: z.array(z.enum(['text', 'object', 'list'])),
      longest: count,
      firstSeen: z.number(),
      seenAt: count,
      isVanished: z.boolean(),
    }),
  ),
})

/** Undefined: nothing is stored that this version can read. Then the fields are learned again. */
export function fieldsIn(stored: StoredText | undefined): StoredFields | undefined {
  if (stored === undefined) return undefined
  try {
    return documentSchema.parse(JSON.parse(stored.text))
  } catch {
    return undefined
  }
}

/** Replaces what is stored. If another process has written it since, the next write does. */
export async function storeFields(
  object: VersionedObject,
  { fields, nonce }: { readonly fields: StoredFields; readonly nonce: string },
  finish: AbortSignal,
): Promise<void> {
  const stored = await object.read(finish)
  const text = `${JSON.stringify({ format: FORMAT, nonce, ...fields })}\n`
  await object.write(text, stored?.version ?? null, finish)
}
