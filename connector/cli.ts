import { parseArgs } from 'node:util'
import type { Command, CommandArgs, CommandParts } from './commands/command.ts'
import type { CommandEntry } from './commands/command-list.ts'
import { commandHelp, helpOption, overview, program } from './commands/help-text.ts'
import { printable } from './commands/output/screen.ts'
import { shownLines } from './commands/output/shown.ts'
import { ConnectorError } from './runtime/connector-error.ts'
import { didYouMean } from './runtime/did-you-mean.ts'
import { type ExitCode, errorCatalogue, hintOf } from './runtime/error-catalogue.ts'

/** What a command line asks for. */
type Asked =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'invalid'; readonly why: string; readonly command?: Command }
  | { readonly kind: 'run'; readonly command: Command; readonly args: CommandArgs }

/**
 * Runs the command in `argv` (without node and script). Resolves to its exit code, to 2 for invalid arguments, or to
 * the catalogue's exit code for a `ConnectorError`. Rejects with any other error: a defect.
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  parts: CommandParts,
): Promise<ExitCode> {
  try {
    const asked = await askedIn(argv, commands, parts.version)
    if (asked.kind === 'run') return await answered(asked, parts)
    if (asked.kind === 'text') {
      parts.print(asked.text)
      return 0
    }
    parts.printError(`${program}: ${asked.why}`)
    parts.printError(`Try: ${[program, asked.command?.name, '--help'].filter((word) => word !== undefined).join(' ')}`)
    return errorCatalogue['config.invalid'].exit
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    parts.printError(`${program}: ${error.message}`)
    parts.printError(`${error.code}: ${hintOf(error.code, 'command')}`)
    return errorCatalogue[error.code].exit
  }
}

/** Runs the command and prints its answer. */
async function answered({ command, args }: Extract<Asked, { kind: 'run' }>, parts: CommandParts): Promise<ExitCode> {
  const answer = await command.run(args, parts)
  if (answer.value === undefined) return answer.exit
  const lines =
    args.json === true ? [printable(JSON.stringify(answer.value, undefined, 2))] : shownLines(answer.value, parts.paint)
  for (const line of lines) parts.print(line)
  return answer.exit
}

async function askedIn(argv: readonly string[], commands: readonly CommandEntry[], version: string): Promise<Asked> {
  const [first = 'help'] = argv
  if (first === 'help' && argv.length > 1) return askedIn([...argv.slice(1), '--help'], commands, version)
  if (['help', '--help', '-h'].includes(first)) return help(commands)
  if (['version', '--version', '-v', '-V'].includes(first)) return { kind: 'text', text: version }

  const entry = entryOf(argv, commands)
  if (entry === undefined) return { kind: 'invalid', why: unknownCommand(argv, commands) }
  const command = await entry.load()
  const parsed = parsedArgs(argv.slice(command.name.split(' ').length), command)
  if (parsed.kind === 'invalid') return { ...parsed, command }
  if (parsed.args.help === true) return { kind: 'text', text: commandHelp(command) }
  return { kind: 'run', command, args: parsed.args }
}

async function help(entries: readonly CommandEntry[]): Promise<Asked> {
  return { kind: 'text', text: overview(await Promise.all(entries.map(({ load }) => load()))) }
}

function entryOf(argv: readonly string[], commands: readonly CommandEntry[]): CommandEntry | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word))
}

function unknownCommand(argv: readonly string[], commands: readonly CommandEntry[]): string {
  const words = argv.filter((word) => !word.startsWith('-'))
  const names = commands.map(({ name }) => name)
  const family = names.filter((name) => name.startsWith(`${words[0]} `))
  if (family.length > 0) {
    const second = words[1] === undefined ? '' : didYouMean(words.slice(0, 2).join(' '), family)
    return `${words[0]} requires a subcommand: ${family.join(', ')}${second}`
  }
  if (words[0] === undefined) return `unknown option ${argv[0]}${didYouMean(argv[0] ?? '', ['--help', '--version'])}`
  const known = ['help', 'version', ...names.map((name) => name.split(' ')[0] ?? name)]
  return `unknown command ${words[0]}${didYouMean(words[0], known)}`
}

type Parsed =
  | { readonly kind: 'valid'; readonly args: CommandArgs }
  | { readonly kind: 'invalid'; readonly why: string }

/** Checks every token itself: the errors of `parseArgs` quote values, which may be secrets. */
function parsedArgs(argv: readonly string[], command: Command): Parsed {
  const options: Command['options'] = { ...command.options, help: helpOption }
  const { values, tokens, positionals } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.entries(options).find(([name]) => name === token.name)?.[1]
    if (option === undefined) {
      const suggestion = didYouMean(
        token.rawName,
        Object.keys(options).map((name) => `--${name}`),
      )
      return { kind: 'invalid', why: `unknown option ${token.rawName}${suggestion}` }
    }
    const hasValue = token.value !== undefined && token.value !== ''
    if (option.type === 'string' && !hasValue) return { kind: 'invalid', why: `${token.rawName} requires a value` }
    if (option.type === 'boolean' && hasValue) return { kind: 'invalid', why: `${token.rawName} takes no value` }
  }
  const [stream, ...more] = positionals
  if (stream === undefined) return { kind: 'valid', args: values as CommandArgs }
  if (command.takesStream !== true) return { kind: 'invalid', why: `${command.name} takes only options, no arguments` }
  if (more.length > 0) return { kind: 'invalid', why: `${command.name} takes only one stream` }
  return { kind: 'valid', args: { ...(values as CommandArgs), stream } }
}
