import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { documentedCommands, isLeftOut, isOurs, leftOut } from '../../support/documentation/documented-commands.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

const documented = documentedCommands()
const commands = documented.map(({ command }) => command)

test('the e2e test runs every documented command, except those excluded for a reason that still applies', () => {
  const others = documented.filter((one) => !isOurs(one) && !isLeftOut(one.command) && !/^export /.test(one.command))
  expect(others.map(({ command }) => command).toSorted()).toEqual([
    'npm run polaris-simulator -- --clients 500',
    'npm run polaris-simulator -- --help',
    'openssl s_client -connect polaris.example:3443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256',
    'printf key-id | openssl dgst -sha256 -hmac "$KEY" -binary | basenc --base64url | cut -c 1-8',
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
