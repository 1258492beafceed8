import { exitRows } from '../runtime/error-catalogue.ts'
import type { Command, CommandOption } from './command.ts'

export const program = 'polaris-connector'
export const helpOption = { type: 'boolean', short: 'h', description: 'print this help' } as const

const documentation = 'Documentation: docs/operations.md#commands'

const exitLines = ['Exit codes:', ...columns(exitRows)]

export function overview(commands: readonly Command[]): string {
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    `Run ${program} help <command> for options and examples, or ${program} version for the version.`,
    '',
    ...exitLines,
    '',
    documentation,
  ].join('\n')
}

export function commandHelp({ name, summary, usage, options, takesStream, examples }: Command): string {
  return [
    `Usage: ${program} ${name}${takesStream === true ? ' [stream]' : ''} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    usage,
    '',
    ...columns(Object.entries<CommandOption>({ ...options, help: helpOption }).map(optionRow)),
    '',
    examples.length > 1 ? 'Examples:' : 'Example:',
    ...examples.map((example) => `  ${program} ${example}`),
    '',
    ...exitLines,
    '',
    documentation,
  ].join('\n')
}

function optionRow([long, { short, value, description }]: [string, CommandOption]): [string, string] {
  const names = `${short === undefined ? '    ' : `-${short}, `}--${long}${value === undefined ? '' : ` <${value}>`}`
  return [names, description]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
