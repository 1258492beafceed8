import { pathText } from './config-problem.ts'
import type { Settings } from './config-schema.ts'
import { isDocument, valueAt } from './document.ts'
import { mask } from './secret.ts'
import { isPerStream, placeOf, type Setting, settingList } from './setting-list.ts'
import { durationText, sizeText } from './units.ts'

export type SettingValue = string | number | boolean | readonly string[]

/** Every setting that has a value, by the text of its path, as an operator would write it; secrets as `***`, PEM texts by their length. */
export function describeConfig(settings: Settings): Readonly<Record<string, SettingValue>> {
  const shown = new Map<string, SettingValue>()
  for (const setting of settingList().filter((candidate) => !isPerStream(candidate))) show(shown, setting, settings, 0)
  for (const index of settings.streams.keys()) {
    for (const setting of settingList().filter(isPerStream)) show(shown, setting, settings, index)
  }
  return Object.fromEntries(shown)
}

function show(shown: Map<string, SettingValue>, setting: Setting, settings: Settings, stream: number): void {
  const place = placeOf(setting, stream)
  const value = valueAt(settings, place)
  if (value !== undefined) shown.set(pathText(place), shownAs(setting, value))
}

function shownAs({ kind, isPem }: Setting, value: unknown): SettingValue {
  if (kind === 'secret') return mask
  if (isPem) return `PEM text of ${String(value).length} characters`
  if (kind === 'duration' && typeof value === 'number') return durationText(value)
  if (kind === 'size' && typeof value === 'number') return sizeText(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(String)
  return isDocument(value) ? Object.entries(value).map(([key, item]) => `${key}=${item}`) : String(value)
}
