import { ConnectorError } from '../runtime/connector-error.ts'

/** Keys and list positions from the root of the configuration. */
export type ConfigPath = readonly (string | number)[]

/** Invariant 8: names and positions, never a value, which may be a misplaced secret. */
export interface ConfigProblem {
  /** Such as `streams[0].poll.interval`; absent if the problem is not about one setting. */
  readonly path?: string | undefined
  readonly file?: string | undefined
  /** From 1. */
  readonly line?: number | undefined
  /** The environment variable that the value came from. */
  readonly variable?: string | undefined
  /** What is wrong and how to correct it. */
  readonly what: string
}

export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

/** One line: place, setting, problem. */
export function problemText(problem: ConfigProblem): string {
  const { path, file, line, variable, what } = problem
  const place = variable ?? (file === undefined ? undefined : line === undefined ? file : `${file}:${line}`)
  return [place, path === '' ? undefined : path, what].filter((part) => part !== undefined).join(': ')
}

/** One `config.invalid` with all problems. */
export function configInvalid(problems: readonly ConfigProblem[]): ConnectorError {
  const title =
    problems.length === 1 ? 'the configuration has 1 problem' : `the configuration has ${problems.length} problems`
  return new ConnectorError(
    'config.invalid',
    [title, ...problems.map((problem) => `  ${problemText(problem)}`)].join('\n'),
  )
}

/** A setting that breaks a rule. */
export interface Violation {
  readonly path: ConfigPath
  readonly what: string
}
