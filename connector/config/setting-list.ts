import * as z from 'zod'
import type { ConfigPath } from './config-problem.ts'
import { configSchema } from './config-schema.ts'
import type { SettingKind, SettingMeta } from './setting-types.ts'

/** A setting as the schema knows it. */
export interface Setting {
  /** Keys from the root; the position in the list of streams is left out. */
  readonly path: readonly string[]
  readonly kind: SettingKind
  readonly description: string
  readonly variable: string | undefined
  /** Another variable that sets it when that one does not. */
  readonly fallback: string | undefined
  readonly isPem: boolean
  /** As it is written in the file; undefined without one. */
  readonly default: unknown
  readonly isRequired: boolean
  readonly choices: readonly string[] | undefined
  readonly range: { readonly min: number; readonly max: number } | undefined
  readonly examples: readonly unknown[]
}

/** What `z.toJSONSchema` makes of `configSchema`: the parts that are read here. */
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

/** The JSON schema of the file, with the connector's own words (`kind`, `variable`, `pem`) still in it. */
export function schemaTree(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any', target: 'draft-7' }) as SchemaNode
}

let list: readonly Setting[] | undefined

/** Every setting, in the order of the schema. */
export function settingList(): readonly Setting[] {
  list ??= settingsBelow(schemaTree(), [], false)
  return list
}

/** The setting at a place of the configuration, or the one that a list item or a map entry belongs to. */
export function settingAt(path: ConfigPath): Setting | undefined {
  const keys = path.filter((key) => typeof key === 'string')
  return settingList().find((setting) => setting.path.every((key, index) => keys[index] === key))
}

export const isPerStream = (setting: Setting) => setting.path[0] === 'streams'

/** Where a setting is in a configuration; `stream` counts from 0. */
export function placeOf(setting: Setting, stream: number): ConfigPath {
  const [first, ...rest] = setting.path
  return isPerStream(setting) ? ['streams', stream, ...rest] : [first ?? '', ...rest]
}

/** The keys that a group of settings knows; none where there is no such group. */
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
    examples: node.examples ?? [],
  }
}
