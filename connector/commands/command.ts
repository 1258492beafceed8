import type { Environment, ReadFile } from '../config/variables.ts'

/** What a command finds around it; everything it does to the world goes through here. */
export interface CommandParts {
  readonly environment: Environment
  readonly readFile: ReadFile
  /** One line to standard output. */
  readonly print: (line: string) => void
  /** One line to standard error. */
  readonly complain: (line: string) => void
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal
  readonly version: string
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands for the value in the help: `file`. */
  readonly value?: string
  readonly description: string
}

/** The options as given, by their long names; absent ones are missing. */
export type CommandArgs = Readonly<Record<string, string | boolean | undefined>>

/** One command: a file of its own in this folder, an entry in `command-list.ts`. */
export interface Command {
  /** One or two words: `checkpoint show`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs for `--help`: what it does, what it prints, which exit codes it has. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Resolves to the exit code; a `ConnectorError` that it rejects with decides code and message. */
  run(args: CommandArgs, parts: CommandParts): Promise<number>
}

/** `--config`, for every command that has a configuration. */
export const configOption = {
  config: { type: 'string', short: 'c', value: 'file', description: 'YAML file; without it, the environment alone' },
} as const satisfies Record<string, CommandOption>

/** The text of an option, undefined when absent. */
export function optionText(args: CommandArgs, name: string): string | undefined {
  const value = args[name]
  return typeof value === 'string' ? value : undefined
}
