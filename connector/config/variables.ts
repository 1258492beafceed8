import type { ConfigProblem } from './config-problem.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment as configuration sees it. */
export interface Variables {
  /** The value of `NAME`, or what is in the file that `NAME_FILE` names; undefined when unset or empty. Both set: a problem. */
  lookUp(name: string): string | undefined
  /** The names that have a value, `NAME` for `NAME_FILE` too. */
  readonly names: ReadonlySet<string>
  /** What was found wrong so far, each once. */
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
      problems.set(name, { variable: name, what: `is set and ${name}_FILE too: keep one of them` })
      return direct
    }
    const content = tryToRead(file, readFile)
    if (content.kind === 'failed') {
      problems.set(name, { variable: `${name}_FILE`, what: `names a file that cannot be read (${content.why})` })
      return undefined
    }
    const text = content.text.replace(/\r?\n$/, '')
    if (text === '') problems.set(name, { variable: `${name}_FILE`, what: 'names a file that is empty' })
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

export type FileContent =
  | { readonly kind: 'read'; readonly text: string }
  /** `why` is the system's code (`ENOENT`). */
  | { readonly kind: 'failed'; readonly why: string }

export function tryToRead(name: string, readFile: ReadFile): FileContent {
  try {
    return { kind: 'read', text: readFile(name) }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    return { kind: 'failed', why }
  }
}
