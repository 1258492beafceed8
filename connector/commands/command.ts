import type { ConfigSources } from '../config/load-config.ts'
import type { Environment, ReadFile } from '../config/variables.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ExitCode } from '../runtime/error-catalogue.ts'

/** The environment of a command; every side effect of a command on its process goes through here. */
export interface CommandParts {
  readonly environment: Environment
  readonly readFile: ReadFile
  /** Writes one line to standard output, as it is. */
  readonly print: (line: string) => void
  /** Writes one line to standard error. */
  readonly printError: (line: string) => void
  /** Shows on a terminal what is done now, until it is disposed. */
  readonly showProgress: (text: string) => Disposable
  /** Resolves to the text on standard input. */
  readonly readInput: () => Promise<string>
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal
  readonly version: string
}

export interface CommandOption {
  /**
   * The placeholder for the value in the help, such as `file`, or the words that it may be; without it, the option is a
   * switch.
   */
  readonly value?: string | readonly string[]
  /** The value is a whole number between these two. */
  readonly range?: readonly [least: number, most: number]
  /** It may be given several times. */
  readonly multiple?: true
  readonly short?: string
  readonly description: string
}

/** One command: a row of `command-list.ts`. */
export interface Command {
  /** One or two words: `checkpoint show`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** It says in `--help` what the command does, and what it prints. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Command lines without the name of the program, for `--help`. */
  readonly examples: readonly string[]
  /** Whether a stream may be named: `pause paris`. */
  readonly takesStream?: true
  /** Loads the code on demand, so that `lint` does not load the Kafka client. */
  readonly load: () => Promise<RunCommand>
}

/** Runs a command. If it rejects with a `ConnectorError`, the catalogue gives exit code and hint. */
export type RunCommand = (args: CommandArgs, parts: CommandParts) => Promise<Answer>

/** The exit code, and what is printed: as text, or with `--json` as it is. */
export interface Answer {
  readonly exit: ExitCode
  readonly value?: unknown
}

/** The options as given, by their long names, and `stream`; absent ones are missing. */
export type CommandArgs = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Returns where a command reads its configuration: the file of `--config` and the environment. */
export function configSources(args: CommandArgs, { environment, readFile }: CommandParts): ConfigSources {
  return { file: args.config as string | undefined, environment, readFile, now: systemClock.now() }
}

/** Every list of client ids has at most so many. */
export const MAX_CLIENTS = 1_000

export function invalidRequest(what: string): ConnectorError {
  return new ConnectorError('command.invalid', what)
}
