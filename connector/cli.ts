import { parseArgs } from 'node:util'
import type { Answer, Command, CommandArgs, CommandOption, CommandParts } from './commands/command.ts'
import { printableText, shownLines } from './commands/shown-lines.ts'
import { ConnectorError } from './runtime/connector-error.ts'
import { didYouMean } from './runtime/did-you-mean.ts'
import { type ExitCode, errorCatalogue, exitRows, hintOf } from './runtime/error-catalogue.ts'

const program = 'polaris-connector'
const helpOption: CommandOption = { short: 'h', description: 'print this help' }

/** What a command line asks for. */
type AskedCommand =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'invalid'; readonly why: string; readonly command?: Command }
  | { readonly kind: 'run'; readonly command: Command; readonly args: CommandArgs }

/**
 * Runs the command in `argv` (without node and script). Resolves to its exit code, to 2 for invalid arguments, or to
 * the catalogue's exit code for a `ConnectorError`. Rejects with any other error: a defect.
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  parts: CommandParts,
): Promise<ExitCode> {
  try {
    const asked = askedCommandIn(argv, commands, parts.version)
    if (asked.kind === 'run') return await runAndPrint(asked, parts)
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

/** Runs the command and prints its answer. A stop is the ordinary end of `run`, and interrupts any other command. */
async function runAndPrint(
  { command, args }: Extract<AskedCommand, { kind: 'run' }>,
  parts: CommandParts,
): Promise<ExitCode> {
  const run = await command.load()
  const { stop } = parts
  const answer = await run(args, parts).catch((error: unknown): Answer => {
    if (!stop.aborted || (error !== stop.reason && !(error instanceof ConnectorError))) throw error
    if (command.name === 'run') return { exit: 0 }
    parts.printError('stopped before the end: repeat the command')
    return { exit: 3 }
  })
  if (answer.value === undefined) return answer.exit
  const lines =
    args.json === true ? [printableText(JSON.stringify(answer.value, undefined, 2))] : shownLines(answer.value)
  for (const line of lines) parts.print(line)
  return answer.exit
}

function askedCommandIn(argv: readonly string[], commands: readonly Command[], version: string): AskedCommand {
  const [first = 'help'] = argv
  if (first === 'help' && argv.length > 1) return askedCommandIn([...argv.slice(1), '--help'], commands, version)
  if (['help', '--help', '-h'].includes(first)) return { kind: 'text', text: overview(commands) }
  if (['version', '--version', '-v', '-V'].includes(first)) return { kind: 'text', text: version }

  const command = commands.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word))
  if (command === undefined) return { kind: 'invalid', why: unknownCommand(argv, commands) }
  const parsed = parsedArgs(argv.slice(command.name.split(' ').length), command)
  if (parsed.kind === 'invalid') return { ...parsed, command }
  if (parsed.args.help === true) return { kind: 'text', text: commandHelp(command) }
  return { kind: 'run', command, args: parsed.args }
}

function unknownCommand(argv: readonly string[], commands: readonly Command[]) {
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

type ParsedArgs =
  | { readonly kind: 'valid'; readonly args: CommandArgs }
  | { readonly kind: 'invalid'; readonly why: string }

/** Checks every token itself: the errors of `parseArgs` quote values, which may be secrets. */
function parsedArgs(argv: readonly string[], { name, options: own, takesStream }: Command): ParsedArgs {
  const rows: Command['options'] = { ...own, help: helpOption }
  const invalid = (why: string) => ({ kind: 'invalid', why }) as const
  const options = Object.fromEntries(
    Object.entries(rows).map(([long, { value, short, multiple = false }]) => {
      const type: 'boolean' | 'string' = value === undefined ? 'boolean' : 'string'
      return [long, short === undefined ? { type, multiple } : { type, multiple, short }]
    }),
  )
  const { values, tokens, positionals } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(rows, token.name) ? rows[token.name] : undefined
    const known = Object.keys(rows).map((long) => `--${long}`)
    if (option === undefined) return invalid(`unknown option ${token.rawName}${didYouMean(token.rawName, known)}`)
    const problem = problemOf(option, token.value)
    if (problem !== undefined) return invalid(`${token.rawName} ${problem}`)
  }
  const [stream, ...more] = positionals
  if (stream === undefined) return { kind: 'valid', args: values as CommandArgs }
  if (takesStream !== true) return invalid(`${name} takes only options, no arguments`)
  if (more.length > 0) return invalid(`${name} takes only one stream`)
  return { kind: 'valid', args: { ...(values as CommandArgs), stream } }
}

function problemOf({ value: wanted, range }: CommandOption, value = ''): string | undefined {
  if (wanted === undefined) return value === '' ? undefined : 'takes no value'
  if (value === '') return 'requires a value'
  if (typeof wanted !== 'string' && !wanted.includes(value)) return `must be ${wanted.join(' or ')}`
  if (range === undefined || (/^\d{1,9}$/.test(value) && Number(value) >= range[0] && Number(value) <= range[1])) return
  return `must be a whole number from ${range[0]} to ${range[1]}`
}

const documentation = ['', 'Documentation: docs/operations.md#commands']

function overview(commands: readonly Command[]) {
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    `Run ${program} help <command> for options and examples, or ${program} version for the version.`,
    '',
    'Exit codes:',
    ...columns(exitRows),
    ...documentation,
  ].join('\n')
}

function commandHelp({ name, summary, usage, options, takesStream, examples }: Command) {
  return [
    `Usage: ${program} ${name}${takesStream === true ? ' [stream]' : ''} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    usage,
    '',
    ...columns(Object.entries({ ...options, help: helpOption }).map(optionRow)),
    '',
    'Examples:',
    ...examples.map((example) => `  ${program} ${example}`),
    ...documentation,
  ].join('\n')
}

function optionRow([long, { short, value, description }]: [string, CommandOption]): [string, string] {
  const text = value === undefined ? '' : ` <${typeof value === 'string' ? value : value.join('|')}>`
  return [`${short === undefined ? '    ' : `-${short}, `}--${long}${text}`, description]
}

function columns(rows: readonly (readonly [string, string])[]) {
  const width = Math.max(...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
