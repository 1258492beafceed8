import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { mallocVariables, nodeOptions } from '../../../connector/node-options.ts'

// The built program starts on an old Node and on this one, and a probe says with which options.

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

/** A Node that the connector does not support: that of the system, or else one that npm provides. */
function oldNode(): { command: string; args: string[] } {
  const found = spawnSync('/usr/bin/node', ['--print', 'process.versions.node'])
  if (/^(?:1[68]|2[01])\./.test(String(found.stdout))) return { command: '/usr/bin/node', args: [] }
  return { command: 'npx', args: ['--yes', '--package', 'node@20.20.0', '--', 'node'] }
}

test('names an unsupported Node, whatever the command, and exits with 2', () => {
  const { command, args } = oldNode()
  for (const given of [['run'], ['--help'], ['nonsense']]) {
    const { status, stdout, stderr } = spawnSync(command, [...args, main, ...given])
    expect(String(stderr)).toMatch(
      /^polaris-connector: Node 22\.22\.0 or newer is required; this is Node (?:1[68]|2[01])\.\S+ \(\/\S+\)\n$/,
    )
    expect({ status, stdout: String(stdout) }).toEqual({ status: 2, stdout: '' })
  }
})

/** The files of the built program that contain this text. */
const builtWith = (text: string) =>
  globSync('**/*.js', { cwd: dirname(main) }).filter((file) =>
    readFileSync(join(dirname(main), file), 'utf8').includes(text),
  )

test('loads no HTTP/2, which the S3 client offers and which would take 5 MB', () => {
  const isLoaded = (name: string) => builtWith(`getBuiltinModule("node:${name}")`).length > 0
  expect({ https: isLoaded('https'), http2: isLoaded('http2') }).toEqual({ https: true, http2: false })
})

test('has one language of the checks of settings, whose 60 others would take a fifth of it', () => {
  const languages = ['Invalid input', 'Ongeldige invoer', 'Input tidak valid']
  expect(languages.map((text) => builtWith(text).length > 0)).toEqual([true, false, false])
})

test.each([
  ['node', process.execPath, []],
  ['the command itself', main, []],
  ['node with an option of its own', process.execPath, ['--max-semi-space-size=64']],
])('starts with its options of Node and malloc, in the same process, by %s', (_how, command, options) => {
  const probe = 'process.on("exit", () => console.error(JSON.stringify([process.pid, process.execArgv, process.env])))'
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(probe)}`
  const args = command === main ? ['version'] : [...options, main, 'version']
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`
  const { pid, stdout, stderr } = spawnSync(command, args, { env: { PATH, NODE_OPTIONS }, encoding: 'utf8' })
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const environment = expect.objectContaining(mallocVariables)
  expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toEqual([pid, [...nodeOptions, ...options], environment])
})

test('starts on this Node', () => {
  expect(String(execFileSync(process.execPath, [main, 'version']))).toMatch(/^\d+\.\d+\.\d+\n$/)
})
