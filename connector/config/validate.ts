import { didYouMean, nearest } from '../runtime/did-you-mean.ts'
import { type ConfigPath, pathText, type Violation } from './config-problem.ts'
import { configSchema, type Settings } from './config-schema.ts'
import { crossChecks } from './cross-checks.ts'
import { keysAt, settingList } from './setting-list.ts'

interface Validated {
  /** Undefined if there are violations. */
  readonly settings: Settings | undefined
  readonly violations: readonly Violation[]
}

/** Checks each setting, then each cross-check whose settings are valid. `doubtful`: settings already reported. */
export function validate(document: unknown, doubtful: readonly ConfigPath[], now: number): Validated {
  const fromCrossChecks: Violation[] = []
  const schema = configSchema.superRefine(
    (settings, { issues }) => {
      const invalid = [
        ...doubtful,
        ...issues.flatMap((issue) => violationsOf({ ...issue, path: issue.path ?? [] }).flatMap(suspects)),
      ]
      fromCrossChecks.push(...crossChecked(settings, invalid, now))
    },
    { when: () => true },
  )
  const parsed = schema.safeParse(document)
  const all = parsed.success ? [] : parsed.error.issues.flatMap(violationsOf)
  const unreported = all.filter(({ path }) => !doubtful.some((other) => pathText(other) === pathText(path)))
  const violations = [...unreported, ...fromCrossChecks]
  return { settings: parsed.success && violations.length === 0 ? parsed.data : undefined, violations }
}

function crossChecked(settings: Settings, invalid: readonly ConfigPath[], now: number): Violation[] {
  const invalidKeys = invalid.map((path) => path.filter((key) => typeof key === 'string').join('.'))
  const overlaps = (read: string, key: string) => `${read}.`.startsWith(`${key}.`) || `${key}.`.startsWith(`${read}.`)
  return crossChecks
    .filter(({ reads }) => !reads.some((read) => invalidKeys.some((key) => key === '' || overlaps(read, key))))
    .flatMap((check) => check.find(settings, now))
}

interface Issue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message?: string | undefined
  readonly keys?: readonly PropertyKey[]
}

function violationsOf(issue: Issue): Violation[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message ?? 'is invalid' }]
  return (issue.keys ?? []).map((key) => ({ path: [...path, String(key)], what: unknownKey(path, String(key)) }))
}

/** Names that other sections or programs use for the same section. */
const otherNames: Readonly<Record<string, string>> = { tls: 'ssl', ssl: 'tls' }

function unknownKey(path: ConfigPath, key: string): string {
  const known = keysAt(path)
  const other = otherNames[key]
  const suggestion = didYouMean(other !== undefined && known.includes(other) ? other : key, known)
  if (suggestion !== '') return `is unknown${suggestion}`
  const elsewhere = settingList().filter((setting) => setting.path.at(-1) === key || setting.path.at(-2) === key)
  const [place] = elsewhere
  if (place !== undefined)
    return `is unknown here; it exists as ${place.path.slice(0, place.path.indexOf(key) + 1).join('.')}`
  return known.length === 0 ? 'is unknown' : `is unknown; must be one of ${known.join(', ')}`
}

/** The reported path, and the setting that a misspelled key probably means. */
function suspects({ path }: Violation): ConfigPath[] {
  const key = path.at(-1)
  const meant = typeof key === 'string' ? nearest(key, keysAt(path.slice(0, -1))) : undefined
  return meant === undefined ? [path] : [path, [...path.slice(0, -1), meant]]
}
