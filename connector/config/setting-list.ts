import * as z from 'zod'
import { didYouMean } from '../runtime/did-you-mean.ts'
import { type ConfigPath, valueAtPath } from './config-problem.ts'
import { configSchema } from './config-schema.ts'
import type { SettingKind, SettingMeta } from './setting-types.ts'

/** The used parts of what `z.toJSONSchema` returns for `configSchema`. */
export interface SchemaNode extends Partial<SettingMeta> {
  readonly kind?: SettingKind
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly additionalProperties?: SchemaNode
  readonly required?: readonly string[]
  /** The default as it is written in the file. */
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly rule?: unknown
}

/** One setting of the schema. */
export interface Setting extends SchemaNode {
  /** Keys from the root, without the position in the list of streams. */
  readonly path: readonly string[]
  readonly kind: SettingKind
  readonly description: string
  /** The environment variable that sets it: its path, unless it has another name. */
  readonly variable: string
  readonly isRequired: boolean
}

/**
 * Returns the JSON schema of the file, including the connector's own keywords (`kind`, `variable`, `fallback`, `pem`).
 */
export function schemaTree(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any', target: 'draft-7' }) as SchemaNode
}

let list: readonly Setting[] | undefined

/** Returns every setting, in the order of the schema. */
export function settingList(): readonly Setting[] {
  list ??= settingsBelow(schemaTree(), [], false)
  return list
}

function settingsBelow(node: SchemaNode, path: readonly string[], isRequired: boolean): Setting[] {
  const { kind, description = '', variable = variableOf(path) } = node
  if (kind !== undefined) return [{ ...node, kind, description, variable, path, isRequired }]
  if (node.items !== undefined) return settingsBelow(node.items, path, false)
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    settingsBelow(child, [...path, key], node.required?.includes(key) === true),
  )
}

/** Returns the variable of a setting: `POLARIS_CODE_MAGASIN` for `streams.polaris.codeMagasin`. */
const variableOf = (path: readonly string[]) =>
  path
    .filter((key) => key !== 'streams')
    .map((key) => key.replaceAll(/(?=[A-Z])/g, '_'))
    .join('_')
    .toUpperCase()

const keysOf = (path: ConfigPath) => path.filter((key) => typeof key === 'string')

/** Returns the setting at a path, or the one that contains the list item or map entry at the path. */
export function settingAt(path: ConfigPath): Setting | undefined {
  const keys = keysOf(path)
  return settingList().find((setting) => setting.path.every((key, index) => keys[index] === key))
}

export const isPerStream = ({ path: [first] }: Setting) => first === 'streams'

/** Returns the paths of a setting in a configuration: one, or one per stream. */
export function placesOf(setting: Setting, document: unknown): ConfigPath[] {
  if (!isPerStream(setting)) return [setting.path]
  const streams = valueAtPath(document, ['streams'])
  return Array.isArray(streams) ? streams.map((_, stream) => placeOf(setting, stream)) : []
}

/** Returns the path of a setting in a configuration; `stream` counts from 0. */
export const placeOf = (setting: Setting, stream: number): ConfigPath =>
  isPerStream(setting) ? ['streams', stream, ...setting.path.slice(1)] : setting.path

/** Says what is wrong with a key that its section does not have, and what may be meant. */
export function unknownKey(section: ConfigPath, key: string): string {
  const keys = keysOf(section)
  const below = settingList().filter((setting) => keys.every((name, index) => setting.path[index] === name))
  const known = [...new Set(below.flatMap((setting) => setting.path[keys.length] ?? []))]
  return `is unknown${didYouMean(key, known) || `; must be one of ${known.join(', ')}`}`
}
