import { ConnectorError } from '../runtime/connector-error.ts'

/** A place in the configuration: keys and list positions. */
export type ConfigPath = readonly (string | number)[]

/** One thing that is wrong. Holds names and positions, never a value: a misplaced secret must not be printed. */
export interface ConfigProblem {
  /** `streams[0].poll.interval`; absent where the trouble is not one setting's. */
  readonly path?: string | undefined
  readonly file?: string | undefined
  /** From 1. */
  readonly line?: number | undefined
  /** The environment variable that the value came from. */
  readonly variable?: string | undefined
  /** What is wrong and how to cure it. */
  readonly what: string
}

export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

/** One line: where, which setting, what. */
export function problemText(problem: ConfigProblem): string {
  const { path, file, line, variable, what } = problem
  const place = variable ?? (file === undefined ? undefined : line === undefined ? file : `${file}:${line}`)
  return [place, path === '' ? undefined : path, what].filter((part) => part !== undefined).join(': ')
}

/** Every problem at once, as the `config.invalid` that ends a command with 2. */
export function configInvalid(problems: readonly ConfigProblem[]): ConnectorError {
  const title =
    problems.length === 1 ? 'the configuration has a problem' : `the configuration has ${problems.length} problems`
  return new ConnectorError(
    'config.invalid',
    [title, ...problems.map((problem) => `  ${problemText(problem)}`)].join('\n'),
  )
}
