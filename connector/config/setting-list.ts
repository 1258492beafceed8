import * as z from 'zod'
import { didYouMean } from '../runtime/did-you-mean.ts'
import type { ConfigPath } from './config-problem.ts'
import { configSchema } from './config-schema.ts'
import { valueAt } from './document.ts'
import type { SettingKind, SettingMeta } from './setting-types.ts'

/** The used parts of what `z.toJSONSchema` returns for `configSchema`. */
export interface SchemaNode extends Partial<SettingMeta> {
  readonly kind?: SettingKind
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly required?: readonly string[]
  /** As written in the file. */
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
}

/** One setting of the schema. */
export interface Setting extends SchemaNode {
  /** Keys from the root, without the position in the list of streams. */
  readonly path: readonly string[]
  readonly kind: SettingKind
  readonly description: string
  readonly isRequired: boolean
}

/** The JSON schema of the file, including the connector's own keywords (`kind`, `variable`, `fallback`, `pem`). */
export function schemaTree(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any', target: 'draft-7' }) as SchemaNode
}

let list: readonly Setting[] | undefined

/** Every setting, in the order of the schema. */
export function settingList(): readonly Setting[] {
  list ??= settingsBelow(schemaTree(), [], false)
  return list
}

function settingsBelow(node: SchemaNode, path: readonly string[], isRequired: boolean): Setting[] {
  if (node.kind !== undefined)
    return [{ ...node, kind: node.kind, description: node.description ?? '', path, isRequired }]
  if (node.items !== undefined) return settingsBelow(node.items, path, false)
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    settingsBelow(child, [...path, key], node.required?.includes(key) === true),
  )
}

const keysOf = (path: ConfigPath) => path.filter((key) => typeof key === 'string')

/** The setting at a path, or the one that contains the list item or map entry at the path. */
export function settingAt(path: ConfigPath): Setting | undefined {
  const keys = keysOf(path)
  return settingList().find((setting) => setting.path.every((key, index) => keys[index] === key))
}

/** The valid keys of a section; empty if there is no such section. */
function keysAt(path: ConfigPath): readonly string[] {
  const keys = keysOf(path)
  const below = settingList().filter((setting) => keys.every((key, index) => setting.path[index] === key))
  return [...new Set(below.flatMap((setting) => setting.path[keys.length] ?? []))]
}

export const isPerStream = ({ path: [first] }: Pick<Setting, 'path'>) => first === 'streams'

/** The paths of a setting in a configuration: one, or one per stream. */
export function placesOf(setting: Pick<Setting, 'path'>, document: unknown): ConfigPath[] {
  if (!isPerStream(setting)) return [setting.path]
  const streams = valueAt(document, ['streams'])
  return Array.isArray(streams) ? streams.map((_, stream) => placeOf(setting, stream)) : []
}

/** The path of a setting in a configuration; `stream` counts from 0. */
export const placeOf = (setting: Pick<Setting, 'path'>, stream: number): ConfigPath =>
  isPerStream(setting) ? ['streams', stream, ...setting.path.slice(1)] : setting.path

/** Names that other sections or programs use for the same section. */
const otherNames: Readonly<Record<string, string>> = { tls: 'ssl', ssl: 'tls' }

/** What is wrong with a key that its section does not have, and what may be meant. */
export function unknownKey(section: ConfigPath, key: string): string {
  const known = keysAt(section)
  const other = otherNames[key]
  const suggestion = didYouMean(other !== undefined && known.includes(other) ? other : key, known)
  if (suggestion !== '') return `is unknown${suggestion}`
  const place = settingList().find(({ path }) => path.at(-1) === key || path.at(-2) === key)?.path
  if (place !== undefined) return `is unknown here; it exists as ${place.slice(0, place.indexOf(key) + 1).join('.')}`
  return known.length === 0 ? 'is unknown' : `is unknown; must be one of ${known.join(', ')}`
}
