import { isDeepStrictEqual } from 'node:util'

type Json = unknown
type JsonObject = Readonly<Record<string, Json>>

/** The schemas of a version, by file name. */
export type Contract = Readonly<Record<string, JsonObject>>

/** Keywords that do not decide whether a value is valid. */
const annotations = new Set(['$comment', '$id', '$schema', 'default', 'deprecated', 'description', 'examples', 'title'])
/** Keywords that map names to schemas; another name may be added. */
const maps = new Set(['$defs', 'properties'])

/**
 * The changes that subscribers of `before` may not understand, or that do not apply to events already in the topic.
 * Texts and optional properties may change and be added; everything else needs a new major version of the schema.
 */
export function breakingChanges(before: Contract, after: Contract): string[] {
  return Object.entries(before).flatMap(([file, schema]) => {
    const next = after[file]
    if (next === undefined) return [`${file} was removed`]
    const from = majorOf(schema)
    const to = majorOf(next)
    if (to > from) return []
    return to < from ? [`${file}: the major version went from ${from} to ${to}`] : schemaChanges(schema, next, file)
  })
}

const majorOf = ({ $id }: JsonObject) => Number(/:(\d+)$/.exec(String($id))?.[1])

function schemaChanges(before: Json, after: Json, path: string): string[] {
  if (!isObject(before) || !isObject(after)) return sameValue(before, after) ? [] : [changed(before, after, path)]
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keywords]
    .filter((keyword) => !annotations.has(keyword))
    .flatMap((keyword) => {
      const compare = maps.has(keyword) ? mapChanges : schemaChanges
      return compare(before[keyword], after[keyword], `${path}/${keyword}`)
    })
}

function mapChanges(before: Json, after: Json, path: string): string[] {
  if (!isObject(before) || !isObject(after)) return schemaChanges(before, after, path)
  return Object.entries(before).flatMap(([name, schema]) =>
    name in after ? schemaChanges(schema, after[name], `${path}/${name}`) : [`${path}/${name} was removed`],
  )
}

/** The order of `required` means nothing. */
const sameValue = (one: Json, other: Json) => isDeepStrictEqual(sorted(one), sorted(other))
const sorted = (value: Json) => (Array.isArray(value) && typeof value[0] === 'string' ? value.toSorted() : value)

const changed = (before: Json, after: Json, path: string) =>
  `${path} went from ${JSON.stringify(before) ?? 'absent'} to ${JSON.stringify(after) ?? 'absent'}`

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
