import { z } from 'zod'
import { type FieldTypes, mistypedIn, valueTypes } from '../../../event/fields/field-types.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import { type Feature, type OpenedStream, type Part, parsedState } from '../part.ts'

const NAME = 'mistyped'

/** By configured path: the published clients in which a value did not fit this type. */
const countsSchema = z.array(z.object({ path: z.string(), type: z.enum(valueTypes), clients: z.int().positive() }))

/** Counts the values that do not fit the type of their field. A path is the configured one. */
export const mistyped = (types: FieldTypes): Feature => ({
  name: NAME,
  open: (stream) => mistypedPart(types, stream),
})

/** The counts that a checkpoint has of these types. Throws `checkpoint.damaged`. */
export function mistypedCounts(types: FieldTypes, stored: unknown): Map<string, number> {
  const counts = parsedState(NAME, countsSchema.default([]), stored)
  return new Map(
    counts.filter(({ path, type }) => types.get(path) === type).map(({ path, clients }) => [path, clients]),
  )
}

function mistypedPart(types: FieldTypes, { stored }: OpenedStream): Part {
  const counts = mistypedCounts(types, stored)
  const reported = new Set(counts.keys())
  let values = 0
  return {
    name: NAME,
    published: ({ client }) => {
      for (const path of mistypedIn(client.shaped, types)) {
        counts.set(path, (counts.get(path) ?? 0) + 1)
        values += 1
      }
    },
    finish: () => {
      if (values === 0) return undefined
      const fields = [...counts.keys()].filter((path) => !reported.has(path))
      const events: PipelineEvent[] = [{ kind: 'values-mistyped', values }]
      if (fields.length > 0) events.push({ kind: 'fields-changed', change: 'mistyped', fields })
      for (const path of fields) reported.add(path)
      values = 0
      return { events }
    },
    state: () => countsOf(counts, types),
  }
}

function countsOf(counts: ReadonlyMap<string, number>, types: FieldTypes): z.infer<typeof countsSchema> | undefined {
  const stored = [...types].flatMap(([path, type]) => {
    const clients = counts.get(path)
    return clients === undefined ? [] : [{ path, type, clients }]
  })
  return stored.length === 0 ? undefined : stored
}
