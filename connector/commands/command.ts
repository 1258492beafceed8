import type { ConfigSources } from '../config/load-config.ts'
import type { Environment, ReadFile } from '../config/variables.ts'
import { systemClock } from '../runtime/clock.ts'
import type { ExitCode } from '../runtime/error-catalogue.ts'
import type { Paint } from './output/screen.ts'

/** The environment of a command; every side effect of a command on its process goes through here. */
export interface CommandParts {
  readonly environment: Environment
  readonly readFile: ReadFile
  /** Writes one line to standard output, as it is. */
  readonly print: (line: string) => void
  /** Writes one line to standard error. */
  readonly printError: (line: string) => void
  /** Colours for standard output. */
  readonly paint: Paint
  /** Replaces the last line on the terminal; undefined without one. */
  readonly showProgress: ((line: string) => void) | undefined
  /** Resolves to the text on standard input. */
  readonly readInput: () => Promise<string>
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal
  readonly version: string
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** It may be given several times. */
  readonly multiple?: true
  /** Placeholder for the value in the help, such as `file`. */
  readonly value?: string
  readonly description: string
}

/** The exit code, and what is printed: as text, or with `--json` as it is. */
export interface Answer {
  readonly exit: ExitCode
  readonly value?: unknown
}

/** The options as given, by their long names, and `stream`; absent ones are missing. */
export type CommandArgs = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** One command: a file in this folder and an entry in `command-list.ts`. */
export interface Command {
  /** One or two words: `checkpoint show`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs for `--help`: what the command does, and what it prints. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Command lines without the name of the program, for `--help`. */
  readonly examples: readonly [string, ...string[]]
  /** Whether a stream may be named: `pause paris`. */
  readonly takesStream?: true
  /** If it rejects with a `ConnectorError`, the catalogue gives exit code and hint. */
  run(args: CommandArgs, parts: CommandParts): Promise<Answer>
}

/** `--config`, for every command that has a configuration. */
export const configOption = {
  config: { type: 'string', short: 'c', value: 'file', description: 'YAML file; default: environment variables only' },
} as const satisfies Record<string, CommandOption>

export const jsonOption = {
  json: { type: 'boolean', description: 'print JSON' },
} as const satisfies Record<string, CommandOption>

/** Where a command reads its configuration: the file of `--config` and the environment. */
export function configSources(args: CommandArgs, { environment, readFile }: CommandParts): ConfigSources {
  return { file: optionText(args, 'config'), environment, readFile, now: systemClock.now() }
}

/** The value of a text option; undefined if absent. */
export function optionText(args: CommandArgs, name: string): string | undefined {
  const value = args[name]
  return typeof value === 'string' ? value : undefined
}

/** The values of a text option that may be repeated. */
export function optionTexts(args: CommandArgs, name: string): readonly string[] {
  const value = args[name]
  return Array.isArray(value) ? value : []
}
