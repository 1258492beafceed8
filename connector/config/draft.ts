import { type ConfigPath, isSection, pathText, type Violation } from './config-problem.ts'
import type { Again } from './secret.ts'
import { filledIn, type GivenText, type Variables } from './variables.ts'

/** The configuration before validation. */
export interface Draft {
  readonly document: unknown
  /** The variables that the file refers to. */
  readonly names: Set<string>
  readonly violations: Violation[]
  /** Of the texts that come from files, by the text of their paths. */
  readonly again: Map<string, Again>
}

/** A copy of the file with its `${NAME}` filled in. Null and empty texts count as unset, but for list items. */
export function draftOf(file: unknown, lookUp: Variables['lookUp']): Draft {
  const [names, violations, again]: [Set<string>, Violation[], Map<string, Again>] = [new Set(), [], new Map()]
  const copy = (value: unknown, path: ConfigPath): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => copy(item, [...path, at]))
    if (typeof value === 'string') {
      const filled = filledIn(value, lookUp)
      for (const name of filled.names) names.add(name)
      violations.push(...filled.problems.map((what) => ({ path, what })))
      if (filled.again !== undefined) again.set(pathText(path), filled.again)
      return filled.text
    }
    if (!isSection(value)) return value
    const set = Object.entries(value).filter(([, item]) => item !== null && item !== undefined && item !== '')
    return Object.fromEntries(set.map(([key, item]) => [key, copy(item, [...path, key])]))
  }
  return { document: copy(file, []), names, violations, again }
}

/** Sets a text, and creates the sections above it, unless a plain value is in the way. */
export function setText({ document, again }: Draft, path: ConfigPath, given: GivenText): void {
  let section = document
  for (const [at, key] of path.entries()) {
    if (!isSection(section)) return
    const next = path[at + 1]
    if (next === undefined) section[key] = given.text
    else section[key] ??= typeof next === 'number' ? [] : {}
    section = section[key]
  }
  if (given.again !== undefined) again.set(pathText(path), given.again)
}
