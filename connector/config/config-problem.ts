/** The keys and list positions from the root of the configuration. */
export type ConfigPath = readonly (string | number)[]

/**
 * A problem of the configuration. Invariant 8: it has names and positions, never a value, which may be a misplaced
 * secret.
 */
export interface ConfigProblem {
  /** A line of the file, a variable, or a setting with its variable: `streams[0].polaris.limit (POLARIS_LIMIT)`. */
  readonly place: string
  /** What is wrong and how to correct it. */
  readonly what: string
}

export const problemText = ({ place, what }: ConfigProblem) => `${place}: ${what}`

export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

type Section = { [key: string | number]: unknown }

export const isSection = (value: unknown): value is Section => typeof value === 'object' && value !== null

export function valueAtPath(document: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (isSection(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    document,
  )
}

/** A setting that breaks a rule. */
export interface Violation {
  readonly path: ConfigPath
  readonly what: string
}

type Group = Readonly<Record<string, unknown>>

/** Returns a violation for each setting of a group that is not set, but required for the reason. */
export const missingIn = (group: Group, keys: readonly string[], reason: string): Violation[] =>
  keys.filter((key) => group[key] === undefined).map((key) => ({ path: [key], what: `is missing: required ${reason}` }))

/** Returns a violation for each setting of a group that is not set, although others of it are. */
export function allOrNone(group: Group, keys: readonly string[]): Violation[] {
  const set = keys.filter((key) => group[key] !== undefined)
  return set.length === 0 ? [] : missingIn(group, keys, `together with ${set.join(' and ')}`)
}

/** Returns the same violations with this key before their paths, for the section around. */
export const violationsBelow = (key: string, violations: readonly Violation[]): Violation[] =>
  violations.map(({ path, what }) => ({ path: [key, ...path], what }))
