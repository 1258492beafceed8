import { exitRows } from '../runtime/error-catalogue.ts'
import type { Command, CommandOption } from './command.ts'

export const program = 'polaris-connector'
export const helpOption: CommandOption = { short: 'h', description: 'print this help' }

const ending = ['', 'Exit codes:', ...columns(exitRows), '', 'Documentation: docs/operations.md#commands']

export function overview(commands: readonly Command[]): string {
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    `Run ${program} help <command> for options and examples, or ${program} version for the version.`,
    ...ending,
  ].join('\n')
}

export function commandHelp({ name, summary, usage, options, takesStream, examples }: Command): string {
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
    ...ending,
  ].join('\n')
}

function optionRow([long, { short, value, description }]: [string, CommandOption]): [string, string] {
  const text = value === undefined ? '' : ` <${typeof value === 'string' ? value : value.join('|')}>`
  return [`${short === undefined ? '    ' : `-${short}, `}--${long}${text}`, description]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
