import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

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

test('starts on this Node', () => {
  expect(String(execFileSync(process.execPath, [main, 'version']))).toMatch(/^\d+\.\d+\.\d+\n$/)
})
