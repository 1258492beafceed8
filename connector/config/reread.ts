import { type ConfigPath, pathText } from './config-problem.ts'
import type { Settings } from './config-schema.ts'
import { isDocument, mapEntries, valueAt, withValueAt } from './document.ts'
import { pemText, type ReadFile, substitute, type Variables } from './environment.ts'
import { isFileText } from './secret.ts'
import { placesOf, settingAt, settingList } from './setting-list.ts'

interface TextSources {
  /** The configuration file before substitution of variables. */
  readonly written: unknown
  /** The variable that a setting came from, by the text of its path. */
  readonly origins: ReadonlyMap<string, string>
  readonly lookUp: Variables['lookUp']
  readonly readFile: ReadFile
}

/** The settings whose secrets and other file texts are read again from their files at each `reveal()`. */
export function rereading(settings: Settings, sources: TextSources): Settings {
  const places = settingList().flatMap(({ path }) => placesOf(path, settings))
  return places
    .flatMap((place) => textPlaces(valueAt(settings, place), place))
    .reduce<unknown>((result, place) => {
      const value = valueAt(result, place)
      return isFileText(value)
        ? withValueAt(
            result,
            place,
            value.readBy(() => textAt(place, sources)),
          )
        : result
    }, settings) as Settings // same shape: only texts were replaced by texts
}

/** The place of a text, or those of the entries of a map. */
function textPlaces(value: unknown, place: ConfigPath): ConfigPath[] {
  return isFileText(value) || !isDocument(value) ? [place] : Object.keys(value).map((key) => [...place, key])
}

/** Undefined if there is no text, for example while a file is being replaced. */
function textAt(place: ConfigPath, sources: TextSources): string | undefined {
  const text = presentText(place, sources)
  if (text === undefined || settingAt(place)?.isPem !== true) return text
  const pem = pemText(text, sources.readFile)
  return pem.kind === 'read' ? pem.text : undefined
}

function presentText(place: ConfigPath, { written, origins, lookUp }: TextSources): string | undefined {
  const variable = origins.get(pathText(place))
  if (variable !== undefined) return lookUp(variable)
  const mapVariable = origins.get(pathText(place.slice(0, -1)))
  if (mapVariable !== undefined) return mapEntries(lookUp(mapVariable) ?? '')?.[String(place.at(-1))]
  return substituted(valueAt(written, place), lookUp)
}

function substituted(written: unknown, lookUp: Variables['lookUp']): string | undefined {
  const { value, problems } = substitute(written, lookUp)
  if (problems.length > 0) return undefined
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' ? value : undefined
}
