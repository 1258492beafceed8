import type { ConfigPath } from './config-problem.ts'
import { type ConfigProblem, pathText } from './config-problem.ts'
import { listItems, mapEntries, valueAt, withValueAt } from './document.ts'
import { isPerStream, placeOf, type Setting, settingList } from './setting-list.ts'
import type { SettingKind } from './setting-types.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Environment variables, and the files that `*_FILE` variables name. */
export interface Variables {
  /** The value of `NAME`, or the content of the file `NAME_FILE`; undefined if unset or empty. */
  lookUp(name: string): string | undefined
  /** The names that have a value; `NAME` for `NAME_FILE`. */
  readonly names: ReadonlySet<string>
  /** The problems found so far, each once. */
  readonly problems: readonly ConfigProblem[]
}

export type ReadFile = (name: string) => string

export function variables(environment: Environment, readFile: ReadFile): Variables {
  const problems = new Map<string, ConfigProblem>()
  const unlessEmpty = (name: string) => (environment[name] === '' ? undefined : environment[name])
  const lookUp = (name: string) => {
    const direct = unlessEmpty(name)
    const file = unlessEmpty(`${name}_FILE`)
    if (file === undefined) return direct
    if (direct !== undefined) {
      problems.set(name, { variable: name, what: `is set together with ${name}_FILE: keep only one` })
      return direct
    }
    const content = tryToRead(file, readFile)
    if (content.kind === 'failed') {
      problems.set(name, { variable: `${name}_FILE`, what: `names a file that cannot be read (${content.why})` })
      return undefined
    }
    const text = content.text.replace(/\r?\n$/, '')
    if (text === '') problems.set(name, { variable: `${name}_FILE`, what: 'names an empty file' })
    return text === '' ? undefined : text
  }
  const set = Object.keys(environment).filter((name) => unlessEmpty(name) !== undefined)
  return {
    lookUp,
    names: new Set(set.map((name) => name.replace(/_FILE$/, ''))),
    get problems() {
      return [...problems.values()]
    },
  }
}

type FileContent =
  | { readonly kind: 'read'; readonly text: string }
  /** `why` is the system's error code, such as `ENOENT`. */
  | { readonly kind: 'failed'; readonly why: string }

export function tryToRead(name: string, readFile: ReadFile): FileContent {
  try {
    return { kind: 'read', text: readFile(name) }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    return { kind: 'failed', why }
  }
}

/** The text itself if it is PEM, otherwise the content of the file that it names. */
export function pemText(text: string, readFile: ReadFile): FileContent {
  return text.includes('-----BEGIN ') ? { kind: 'read', text } : tryToRead(text, readFile)
}

interface Overlay {
  readonly document: unknown
  /** The variable that each setting came from, by the text of its path. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly ConfigProblem[]
}

/** Overrides the document with the variables of the settings; those of `streams[]` require a single stream. */
export function fromEnvironment(document: unknown, named: ReadonlySet<string>, known: Variables): Overlay {
  const origins = new Map<string, string>()
  const problems: ConfigProblem[] = []
  const streams = valueAt(document, ['streams'])
  const hasSeveral = Array.isArray(streams) && streams.length > 1
  let result = document
  for (const setting of settingList()) {
    const { variable, text } = given(setting, known)
    if (variable === undefined || text === undefined) continue
    if (isPerStream(setting) && hasSeveral) {
      if (!named.has(variable)) problems.push(ambiguousStream(setting, variable))
      continue
    }
    const place = placeOf(setting, 0)
    result = withValueAt(result, place, fromText(text, setting.kind))
    origins.set(pathText(place), variable)
  }
  return { document: result, origins, problems }
}

/** Converts a text from the environment to the kind of its setting; leaves an invalid text for validation to report. */
export function fromText(text: string, kind: SettingKind): unknown {
  if (kind === 'number' && /^-?\d{1,15}$/.test(text.trim())) return Number(text)
  if (kind === 'boolean' && /^(true|false)$/i.test(text.trim())) return /^true$/i.test(text.trim())
  if (kind === 'list') return listItems(text)
  return kind === 'map' ? (mapEntries(text) ?? text) : text
}

function given(
  { variable, fallback }: Setting,
  known: Variables,
): { variable: string | undefined; text: string | undefined } {
  const text = variable === undefined ? undefined : known.lookUp(variable)
  if (text !== undefined || fallback === undefined) return { variable, text }
  return { variable: fallback, text: known.lookUp(fallback) }
}

function ambiguousStream(setting: Setting, variable: string): ConfigProblem {
  const key = pathText(placeOf(setting, 0).slice(2))
  return { variable, what: `applies to a single stream, but the file has several: set ${key} in each stream` }
}

interface Substituted {
  readonly value: unknown
  /** The referenced variables. */
  readonly names: ReadonlySet<string>
  /** The settings whose text contains a variable. */
  readonly fromVariables: readonly ConfigPath[]
  readonly problems: readonly { readonly path: ConfigPath; readonly what: string }[]
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g

/** Replaces `${NAME}` by the value of the variable, and `$${` by a literal `${`. An unset variable is a problem. */
export function substitute(document: unknown, lookUp: (name: string) => string | undefined): Substituted {
  const names = new Set<string>()
  const fromVariables: ConfigPath[] = []
  const problems: { path: ConfigPath; what: string }[] = []

  const inText = (text: string, path: ConfigPath) =>
    text.replaceAll(reference, (whole, name: string | undefined, end: string | undefined) => {
      if (name === undefined) return '${'
      if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        problems.push({
          path,
          what: `contains \${ without a valid variable name: write \${NAME}, or $\${ for a literal \${`,
        })
        return whole
      }
      names.add(name)
      fromVariables.push(path)
      const value = lookUp(name)
      if (value === undefined) problems.push({ path, what: `refers to the variable ${name}, which is not set` })
      return value ?? ''
    })

  const inValue = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return inText(value, path)
    if (Array.isArray(value)) return value.map((item, index) => inValue(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inValue(item, [...path, key])]))
  }
  return { value: inValue(document, []), names, fromVariables, problems }
}
