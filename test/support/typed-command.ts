import { runCli } from '../../connector/cli.ts'
import { commandList } from '../../connector/commands/command-list.ts'
import { plain } from './screens.ts'
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

/** Runs a command in this process, with these variables and files only. */
export async function typed({ command = 'lint', environment = {}, yaml }: Partial<Mistake>) {
  const lines: string[] = []
  const readFile = (name: string) => {
    if (name === 'connector.yaml' && yaml !== undefined) return yaml
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  }
  const file = yaml === undefined ? [] : ['--config', 'connector.yaml']
  const exit = await runCli([...command.split(' '), ...file], commandList, {
    environment,
    readFile,
    showProgress: undefined,
    readInput: async () => '',
    stop: never,
    version: '1.2.3',
    paint: plain,
    print: (line) => lines.push(line),
    printError: (line) => lines.push(line),
  })
  return { exit, output: lines.join('\n') }
}
