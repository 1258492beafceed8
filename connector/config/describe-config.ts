import { pathText } from './config-problem.ts'
import { configSchema, type Settings } from './config-schema.ts'
import { valueAt } from './document.ts'
import { Secret } from './given-text.ts'
import { placesOf, type Setting, settingList } from './setting-list.ts'
import { durationText, sizes } from './units.ts'

export type SettingValue = string | number | boolean | readonly string[]

/** Every setting with a value, by the text of its path. Invariant 8: secrets and PEM texts as `***`. */
export function describeConfig(settings: Settings, list = settingList()): Readonly<Record<string, SettingValue>> {
  const places = list.flatMap((setting) => placesOf(setting, settings).map((place) => [setting, place] as const))
  const shown = places.map(
    ([setting, place]) => [pathText(place), printable(setting, valueAt(settings, place))] as const,
  )
  return Object.fromEntries(shown.flatMap(([path, value]) => (value === undefined ? [] : [[path, value] as const])))
}

/** Only what is required, so that all else has its default. */
const bare = {
  connector: 'none',
  kafka: { brokers: ['none:1'] },
  checkpoint: { url: 'file:none' },
  streams: [{ polaris: { url: 'http://none', codeMagasin: 1 } }],
}

/** The settings that differ from their defaults, and those that have none. Like `describeConfig`. */
export function describeChanges(settings: Settings): Readonly<Record<string, SettingValue>> {
  const withDefault = settingList().filter((setting) => setting.default !== undefined)
  const defaults = describeConfig(configSchema.parse(bare), withDefault)
  const defaultOf = (path: string) => JSON.stringify(defaults[path.replace(/^streams\[\d+\]/, 'streams[0]')])
  const all = Object.entries(describeConfig(settings))
  return Object.fromEntries(all.filter(([path, value]) => defaultOf(path) !== JSON.stringify(value)))
}

function printable({ kind }: Setting, value: unknown): SettingValue | undefined {
  if (value === undefined) return undefined
  if (kind === 'duration' && typeof value === 'number') return durationText(value)
  if (kind === 'size' && typeof value === 'number') return sizes.print(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map((item) => (isLookBack(item) ? lookBackText(item) : String(item)))
  const isMap = typeof value === 'object' && value !== null && !(value instanceof Secret)
  return isMap ? Object.entries(value).map(([key, item]) => `${key}=${item}`) : String(value)
}

type LookBack = Settings['streams'][number]['poll']['lookBack'][number]

const isLookBack = (item: unknown): item is LookBack => typeof item === 'object' && item !== null && 'reachMs' in item
const lookBackText = ({ reachMs, everyMs }: LookBack) => `${durationText(reachMs)}/${durationText(everyMs)}`
