import * as z from 'zod'
import type { ConfigPath } from './config-problem.ts'
import { configSchema } from './config-schema.ts'
import { valueAt } from './document.ts'
import type { SettingKind, SettingMeta } from './setting-types.ts'

/** One setting of the schema. */
export interface Setting {
  /** Keys from the root, without the position in the list of streams. */
  readonly path: readonly string[]
  readonly kind: SettingKind
  readonly description: string
  readonly variable: string | undefined
  /** The variable that applies if `variable` is not set. */
  readonly fallback: string | undefined
  readonly isPem: boolean
  /** As written in the file; undefined: no default. */
  readonly default: unknown
  readonly isRequired: boolean
  readonly choices: readonly string[] | undefined
  readonly range: { readonly min: number; readonly max: number } | undefined
}

/** The used parts of what `z.toJSONSchema` returns for `configSchema`. */
export interface SchemaNode extends Partial<SettingMeta> {
  readonly kind?: SettingKind
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
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

/** The setting at a path, or the one that contains the list item or map entry at the path. */
export function settingAt(path: ConfigPath): Setting | undefined {
  const keys = path.filter((key) => typeof key === 'string')
  return settingList().find((setting) => setting.path.every((key, index) => keys[index] === key))
}

export const isPerStream = (setting: Setting) => setting.path[0] === 'streams'

/** The path of a setting in a configuration; `stream` counts from 0. */
export function placeOf(setting: Setting, stream: number): ConfigPath {
  const [first, ...rest] = setting.path
  return isPerStream(setting) ? ['streams', stream, ...rest] : [first ?? '', ...rest]
}

/** The paths of a setting in a configuration: one, or one per stream. */
export function placesOf(path: readonly string[], document: unknown): ConfigPath[] {
  if (path[0] !== 'streams') return [path]
  const streams = valueAt(document, ['streams'])
  return Array.isArray(streams) ? streams.map((_, index) => ['streams', index, ...path.slice(1)]) : []
}

/** The valid keys of a section; empty if there is no such section. */
export function keysAt(path: ConfigPath): readonly string[] {
  const keys = path.filter((key) => typeof key === 'string')
  const below = settingList().filter((setting) => keys.every((key, index) => setting.path[index] === key))
  return [...new Set(below.flatMap((setting) => setting.path[keys.length] ?? []))]
}

function settingsBelow(node: SchemaNode, path: readonly string[], isRequired: boolean): Setting[] {
  if (node.kind !== undefined) return [toSetting(node, node.kind, path, isRequired)]
  if (node.items !== undefined) return settingsBelow(node.items, path, false)
  const required = new Set(node.required)
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    settingsBelow(child, [...path, key], required.has(key)),
  )
}

function toSetting(node: SchemaNode, kind: SettingKind, path: readonly string[], isRequired: boolean): Setting {
  const { minimum: min, maximum: max } = node
  return {
    path,
    kind,
    description: node.description ?? '',
    variable: node.variable,
    fallback: node.fallback,
    isPem: node.pem === true,
    default: node.default,
    isRequired,
    choices: node.enum,
    range: min === undefined || max === undefined ? undefined : { min, max },
  }
}
