import { runCli } from '../../connector/cli.ts'
import type { CommandParts } from '../../connector/commands/command.ts'
import { commandList } from '../../connector/commands/command-list.ts'
import { never } from './signals.ts'

/** What an operator reads after a mistake. */
export interface Mistake {
  /** For the title of the test. */
  readonly mistake: string
  /** Default: `lint`. */
  readonly command?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Text of `connector.yaml`, which the command then reads. */
  readonly yaml?: string
  /** What is wrong, and where. */
  readonly says: RegExp
  /** What to do. */
  readonly cure: RegExp
  readonly exit: number
}

/** What a command in this process reads, and the lines that it prints. */
export function terminal(environment: CommandParts['environment'] = {}, files: Readonly<Record<string, string>> = {}) {
  const out: string[] = []
  const err: string[] = []
  const parts: CommandParts = {
    environment,
    readFile: (name) => {
      const text = files[name]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
    showProgress: () => ({ [Symbol.dispose]: () => {} }),
    readInput: async () => '',
    stop: never,
    version: '1.2.3',
  }
  return { out, err, parts }
}

/** Runs a command in this process, with these variables and files only. */
export async function typed({ command = 'lint', environment, yaml }: Partial<Mistake>) {
  const file = yaml === undefined ? [] : ['--config', 'connector.yaml']
  const { out, err, parts } = terminal(environment, yaml === undefined ? {} : { 'connector.yaml': yaml })
  const exit = await runCli([...command.split(' '), ...file], commandList, parts)
  return { exit, output: [...out, ...err].join('\n') }
}
