import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type ConnectorProcess, connectorIn, shortTimesModule } from '../../test/support/connector-process.ts'
import { LOW_MEMORY_FLAGS } from './plan.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

interface Start {
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The file of a control group that the process joins before anything else. */
  readonly group?: string | undefined
}

/** As JavaScript: in order to strip types, Node takes 15 MB, which would be measured too. */
function withoutTypes(module: string): string {
  const script = stripTypeScriptTypes(readFileSync(fileURLToPath(module), 'utf8'))
  return `data:text/javascript,${encodeURIComponent(script.replace('import.meta.url', JSON.stringify(module)))}`
}

/** Starts the built connector with the flags of its image. */
export function startLean({ args, environment, group }: Start): ConnectorProcess {
  const preloads = environment.SHORT_TIMES === undefined ? [] : ['--import', withoutTypes(shortTimesModule)]
  const node = [process.execPath, ...LOW_MEMORY_FLAGS.split(' '), ...preloads, main, ...args]
  const joining = ['sh', '-c', 'echo $$ > "$0" && exec "$@"']
  const [command = '', ...rest] = group === undefined ? node : [...joining, group, ...node]
  const child = spawn(command, rest, { env: environment })
  return connectorIn(child, () => void child.kill('SIGKILL'))
}
