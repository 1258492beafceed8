import { didYouMean } from '../runtime/did-you-mean.ts'
import type { ConfigPath } from './config-problem.ts'
import { keysAt, settingList } from './setting-list.ts'

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
