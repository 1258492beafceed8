import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { commandList } from '../../../connector/commands/command-list.ts'
import { documentedCommands, isLeftOut, isOurs, leftOut } from '../../support/documentation/documented-commands.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

// The command lines of all pages are compared with the commands, the scripts and the Makefile.

const documented = documentedCommands()
const commands = documented.map(({ command }) => command)

test('the e2e test runs every documented command, except those excluded for a reason that still applies', () => {
  const others = documented.filter((one) => !isOurs(one) && !isLeftOut(one.command) && !/^export /.test(one.command))
  expect(others.map(({ command }) => command).toSorted()).toEqual([
    'npm run polaris-simulator -- --help',
    'openssl s_client -connect polaris.example:3443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256',
  ])
  for (const [pattern, why] of leftOut)
    expect(
      commands.filter((command) => pattern.test(command)),
      why,
    ).not.toEqual([])
})

test('every documented docker command uses the image name that the chart expects', () => {
  const { repository } = parse(readProjectFile('helm/values.yaml')).image
  const naming = commands.filter((command) => /^docker (build|run) /.test(command))
  expect(naming.length).toBeGreaterThanOrEqual(3)
  for (const command of naming) expect(command.split(' ')).toContain(repository)
})

test('every documented npm script and make target exists', () => {
  const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: Record<string, string> }
  const targets = readProjectFile('Makefile').match(/^[\w-]+(?=:)/gm) ?? []
  for (const command of commands) {
    const script = /^npm run ([\w:-]+)/.exec(command)?.[1]
    const target = /^make ([\w-]+)/.exec(command)?.[1]
    if (script !== undefined) expect(Object.keys(scripts), command).toContain(script)
    if (target !== undefined) expect(targets, command).toContain(target)
  }
})

const names = [...commandList.map(({ name }) => name), 'help', 'version']

/** The command of a command line without the name of the program, and its options. */
function commandIn(line: string): { name: string; options: string[] } {
  const words = line.split(' ')
  const name = [2, 1].map((count) => words.slice(0, count).join(' ')).find((one) => names.includes(one))
  return { name: name ?? line, options: [...line.matchAll(/--([a-z-]+)/g)].map(([, option = '']) => option) }
}

test('the table of commands in docs/operations.md lists every command, and no others', () => {
  const [, section = ''] = readProjectFile('docs/operations.md').split('\n## Commands\n')
  const [table = ''] = section.trimStart().split('\n\n')
  const cells = table
    .split('\n')
    .slice(2)
    .flatMap((row) => row.split(' | ')[0] ?? '')
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, line = '']) => commandIn(line)))
  expect([...new Set(listed.map(({ name }) => name))].toSorted()).toEqual(names.toSorted())
  for (const { name, options } of listed) {
    const command = commandList.find((entry) => entry.name === name)
    for (const option of options) expect(Object.keys(command?.options ?? {}), name).toContain(option)
  }
})

test('every command that README.md and the other pages name exists', () => {
  const lines = commands.flatMap(
    (command) => /^(?:polaris-connector|node dist\/main\.js) ([a-z].*)/.exec(command)?.[1] ?? [],
  )
  expect(lines.map((line) => commandIn(line).name).filter((name) => !names.includes(name))).toEqual([])
})
