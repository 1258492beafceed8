import { parseArgs } from 'node:util'
import type { Command, CommandArgs, CommandOption, CommandParts } from './commands/command.ts'
import type { CommandEntry } from './commands/command-list.ts'
import { didYouMean } from './config/did-you-mean.ts'
import { ConnectorError } from './runtime/connector-error.ts'
import { errorCatalogue } from './runtime/error-catalogue.ts'

const program = 'polaris-connector'

/**
 * Runs the command that `argv` (without node and script) names and resolves to the exit code: the command's own, 2 for what cannot be
 * understood, that of the catalogue for a `ConnectorError`. Rejects with anything else: a defect.
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
    parts.complain(`${program}: ${error.message}`)
    parts.complain(`${error.code}: ${hint}`)
    return exit
  }
}

async function runCommand(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  parts: CommandParts,
): Promise<number> {
  const [first = '--help'] = argv
  if (first === '--version' || first === '-V') return say(parts, parts.version)
  if (first === '--help' || first === '-h') return say(parts, await overview(commands))

  const entry = entryOf(argv, commands)
  if (entry === undefined) return misunderstood(parts, unknownCommand(argv, commands))
  const command = await entry.load()
  const parsed = parsedArgs(argv.slice(command.name.split(' ').length), command)
  if (parsed.kind === 'wrong') return misunderstood(parts, parsed.what, command)
  if (parsed.args.help === true) return say(parts, help(command))
  return await command.run(parsed.args, parts)
}

function say(parts: CommandParts, text: string): number {
  parts.print(text)
  return 0
}

function misunderstood(parts: CommandParts, what: string, command?: Command): number {
  parts.complain(`${program}: ${what}`)
  parts.complain(`Try: ${[program, command?.name, '--help'].filter((word) => word !== undefined).join(' ')}`)
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
    return `${words[0]} needs one of its commands: ${family.join(', ')}${second}`
  }
  if (words[0] === undefined) return `unknown option ${argv[0]}${didYouMean(argv[0] ?? '', ['--help', '--version'])}`
  return `unknown command ${words[0]}${didYouMean(
    words[0],
    commands.map(({ name }) => name.split(' ')[0] ?? name),
  )}`
}

const helpOption = { type: 'boolean', short: 'h', description: 'print this' } as const

type Parsed = { readonly kind: 'right'; readonly args: CommandArgs } | { readonly kind: 'wrong'; readonly what: string }

/** Every token is looked at here: what `parseArgs` itself says would quote values. */
function parsedArgs(argv: readonly string[], command: Command): Parsed {
  const options: Command['options'] = { ...command.options, help: helpOption }
  const { values, tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional')
      return { kind: 'wrong', what: `${command.name} takes no argument beside its options` }
    if (token.kind === 'option-terminator') continue
    const option = Object.entries(options).find(([name]) => name === token.name)?.[1]
    if (option === undefined) {
      const suggestion = didYouMean(
        token.rawName,
        Object.keys(options).map((name) => `--${name}`),
      )
      return { kind: 'wrong', what: `unknown option ${token.rawName}${suggestion}` }
    }
    const hasValue = token.value !== undefined && token.value !== ''
    if (option.type === 'string' && !hasValue) return { kind: 'wrong', what: `${token.rawName} needs a value` }
    if (option.type === 'boolean' && hasValue) return { kind: 'wrong', what: `${token.rawName} takes no value` }
  }
  return { kind: 'right', args: values as CommandArgs }
}

async function overview(entries: readonly CommandEntry[]): Promise<string> {
  const commands = await Promise.all(entries.map(({ load }) => load()))
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    `${program} <command> --help says more; ${program} --version tells the version.`,
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
