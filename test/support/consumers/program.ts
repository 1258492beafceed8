import { execFile, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { CloseStack } from '../../../connector/runtime/close-stack.ts'
import { temporaryFolder } from '../closing.ts'

/** Programs of subscribers in other languages, which read lines of JSON. */

/** The absolute path of a file in the project. */
export const projectPath = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** What the program prints for the lines; rejects if it prints an error. */
export async function printed([command = '', ...args]: readonly string[], lines: readonly unknown[]): Promise<string> {
  const program = spawn(command, args)
  program.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const [output, errors] = await Promise.all([text(program.stdout), text(program.stderr)])
  expect(errors.replaceAll(/^SLF4J.*\n/gm, '')).toBe('')
  return output
}

/** The command that runs the class in the last of these files, once they are compiled. */
export async function javaProgram(closing: CloseStack, files: readonly string[]): Promise<string[]> {
  const classes = temporaryFolder(closing)
  const jars = [projectPath('.cache/subscribers/*'), projectPath('.cache/kafka/*')].join(':')
  await promisify(execFile)('javac', [
    '-J-XX:TieredStopAtLevel=1',
    '-proc:none',
    '-cp',
    jars,
    '-d',
    classes,
    ...files.map(projectPath),
  ])
  const name = /(\w+)\.java$/.exec(files.at(-1) ?? '')?.[1] ?? ''
  return ['java', '-XX:TieredStopAtLevel=1', '-cp', `${classes}:${jars}`, name]
}
