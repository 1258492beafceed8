import { parseArgs } from 'node:util'
import type { Command, CommandArgs, CommandOption, CommandParts } from './commands/command.ts'
import type { CommandEntry } from './commands/command-list.ts'
import { ConnectorError } from './runtime/connector-error.ts'
import { didYouMean } from './runtime/did-you-mean.ts'
import { errorCatalogue } from './runtime/error-catalogue.ts'

const program = 'polaris-connector'

/**
 * Runs the command in `argv` (without node and script). Resolves to its exit code, to 2 for invalid arguments, or to
 * the catalogue's exit code for a `ConnectorError`. Rejects with any other error: a defect.
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  parts: CommandParts,
): Promise<number> {
  try {
    return await runCommand(argv, commands, parts)
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    const { exit, hint } = errorCatalogue[error.code]
    parts.printError(`${program}: ${error.message}`)
    parts.printError(`${error.code}: ${hint}`)
    return exit
  }
}

async function runCommand(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  parts: CommandParts,
): Promise<number> {
  const [first = '--help'] = argv
  if (first === '--version' || first === '-V') return printText(parts, parts.version)
  if (first === '--help' || first === '-h') return printText(parts, await overview(commands))

  const entry = entryOf(argv, commands)
  if (entry === undefined) return reject(parts, unknownCommand(argv, commands))
  const command = await entry.load()
  const parsed = parsedArgs(argv.slice(command.name.split(' ').length), command)
  if (parsed.kind === 'invalid') return reject(parts, parsed.why, command)
  if (parsed.args.help === true) return printText(parts, help(command))
  return await command.run(parsed.args, parts)
}

function printText(parts: CommandParts, text: string): number {
  parts.print(text)
  return 0
}

function reject(parts: CommandParts, why: string, command?: Command): number {
  parts.printError(`${program}: ${why}`)
  parts.printError(`Try: ${[program, command?.name, '--help'].filter((word) => word !== undefined).join(' ')}`)
  return errorCatalogue['config.invalid'].exit
}

function entryOf(argv: readonly string[], commands: readonly CommandEntry[]): CommandEntry | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word))
}

function unknownCommand(argv: readonly string[], commands: readonly CommandEntry[]): string {
  const words = argv.filter((word) => !word.startsWith('-'))
  const family = commands.filter(({ name }) => name.startsWith(`${words[0]} `)).map(({ name }) => name)
  if (family.length > 0) {
    const second = words[1] === undefined ? '' : didYouMean(words.slice(0, 2).join(' '), family)
    return `${words[0]} requires a subcommand: ${family.join(', ')}${second}`
  }
  if (words[0] === undefined) return `unknown option ${argv[0]}${didYouMean(argv[0] ?? '', ['--help', '--version'])}`
  return `unknown command ${words[0]}${didYouMean(
    words[0],
    commands.map(({ name }) => name.split(' ')[0] ?? name),
  )}`
}

const helpOption = { type: 'boolean', short: 'h', description: 'print this help' } as const

type Parsed =
  | { readonly kind: 'valid'; readonly args: CommandArgs }
  | { readonly kind: 'invalid'; readonly why: string }

/** Checks every token itself: the errors of `parseArgs` quote values, which may be secrets. */
function parsedArgs(argv: readonly string[], command: Command): Parsed {
  const options: Command['options'] = { ...command.options, help: helpOption }
  const { values, tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') return { kind: 'invalid', why: `${command.name} takes only options, no arguments` }
    if (token.kind === 'option-terminator') continue
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
  return { kind: 'valid', args: values as CommandArgs }
}

async function overview(entries: readonly CommandEntry[]): Promise<string> {
  const commands = await Promise.all(entries.map(({ load }) => load()))
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    `Run ${program} <command> --help for details, or ${program} --version for the version.`,
  ].join('\n')
}

function help({ name, summary, usage, options }: Command): string {
  const rows = Object.entries<CommandOption>({ ...options, help: helpOption }).map(
    ([long, { short, value, description }]) => {
      const names = `${short === undefined ? '    ' : `-${short}, `}--${long}${value === undefined ? '' : ` <${value}>`}`
      return [names, description] as const
    },
  )
  const width = Math.max(...rows.map(([names]) => names.length))
  return [
    `Usage: ${program} ${name} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    usage,
    '',
    ...rows.map(([names, description]) => `  ${names.padEnd(width)}  ${description}`),
  ].join('\n')
}
