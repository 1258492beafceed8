import { type ConfigPath, pathText } from './config-problem.ts'
import { configSchema, type Settings } from './config-schema.ts'
import { crossChecks, type Finding } from './cross-checks.ts'
import { didYouMean, nearest } from './did-you-mean.ts'
import { keysAt, settingList } from './setting-list.ts'

export type { Finding } from './cross-checks.ts'

export interface Validated {
  /** Undefined when something is wrong. */
  readonly settings: Settings | undefined
  readonly findings: readonly Finding[]
}

/** Checks each setting, and then together those that are right by themselves. `doubtful`: places already known to be wrong. */
export function validate(document: unknown, doubtful: readonly ConfigPath[]): Validated {
  const together: Finding[] = []
  const schema = configSchema.superRefine(
    (settings, { issues }) => {
      const wrong = [
        ...doubtful,
        ...issues.flatMap((issue) => findingsOf({ ...issue, path: issue.path ?? [] }).flatMap(suspects)),
      ]
      together.push(...checkedTogether(settings, wrong))
    },
    { when: () => true },
  )
  const parsed = schema.safeParse(document)
  const alone = parsed.success ? [] : parsed.error.issues.flatMap(findingsOf)
  const fresh = alone.filter(({ path }) => !doubtful.some((other) => pathText(other) === pathText(path)))
  const findings = [...fresh, ...together]
  return { settings: parsed.success && findings.length === 0 ? parsed.data : undefined, findings }
}

function checkedTogether(settings: Settings, wrong: readonly ConfigPath[]): Finding[] {
  const wrongKeys = wrong.map((path) => path.filter((key) => typeof key === 'string').join('.'))
  const overlaps = (read: string, key: string) => `${read}.`.startsWith(`${key}.`) || `${key}.`.startsWith(`${read}.`)
  return crossChecks
    .filter(({ reads }) => !reads.some((read) => wrongKeys.some((key) => key === '' || overlaps(read, key))))
    .flatMap((check) => check.find(settings))
}

interface Issue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message?: string | undefined
  readonly keys?: readonly PropertyKey[]
}

function findingsOf(issue: Issue): Finding[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message ?? 'is invalid' }]
  return (issue.keys ?? []).map((key) => ({ path: [...path, String(key)], what: unknownKey(path, String(key)) }))
}

function unknownKey(path: ConfigPath, key: string): string {
  const known = keysAt(path)
  const suggestion = didYouMean(key, known)
  if (suggestion !== '') return `is unknown${suggestion}`
  const elsewhere = settingList().filter((setting) => setting.path.at(-1) === key || setting.path.at(-2) === key)
  const [place] = elsewhere
  if (place !== undefined)
    return `is unknown here; there is ${place.path.slice(0, place.path.indexOf(key) + 1).join('.')}`
  return `is unknown; known here: ${known.join(', ')}`
}

/** What is wrong, and the setting that a misspelled key was meant to be. */
function suspects({ path }: Finding): ConfigPath[] {
  const key = path.at(-1)
  const meant = typeof key === 'string' ? nearest(key, keysAt(path.slice(0, -1))) : undefined
  return meant === undefined ? [path] : [path, [...path.slice(0, -1), meant]]
}
