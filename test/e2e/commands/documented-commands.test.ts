import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { documentedCommands, isOurs } from '../../support/documentation/documented-commands.ts'
import { markdownFiles } from '../../support/documentation/markdown-file.ts'
import { freePort } from '../../support/servers/free-port.ts'
import { loneCertificate } from '../../support/servers/lone-certificate.ts'
import { type Scene, scene } from '../../support/stream-scene.ts'

// Every command of the pages runs as it is written, in a shell.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const commands = documentedCommands()
const folder = mkdtempSync(join(tmpdir(), 'documented-'))

beforeAll(() => {
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${root}dist/main.js" "$@"\n`
  writeFileSync(join(folder, 'polaris-connector'), shim, { mode: 0o755 })
  mkdirSync(join(folder, 'secrets'))
  writeFileSync(join(folder, 'secrets', 'polaris'), 'hunter2\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { PATH = '', HOME = '' } = process.env
const executionOptions = (environment: Record<string, string> = {}) => ({
  cwd: root,
  env: { HOME, PATH: [folder, PATH].join(delimiter), ...environment },
})

/** Runs a shell command; resolves to its output; rejects with the output unless it exits with 0. */
function shell(command: string, environment?: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', command], executionOptions(environment), (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command}: ${error.code}\n${stdout}${stderr}`))
    })
  })
}

/** Runs a command that runs until Ctrl-C; sends SIGINT to its process group once it caught up, and waits until it exits. */
async function runService(command: string, environment: Record<string, string>): Promise<void> {
  const child = spawn('bash', ['-c', command], { ...executionOptions(environment), detached: true })
  child.stderr.resume()
  const ended = once(child, 'close')
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const signalGroup = (signal: NodeJS.Signals) => isRunning() && process.kill(-(child.pid ?? Number.NaN), signal)
  onTestFinished(() => void signalGroup('SIGKILL'))
  const messages: string[] = []
  for await (const line of createInterface(child.stdout)) {
    const { msg } = line.startsWith('{') ? JSON.parse(line) : {}
    if (msg === 'caught up') signalGroup('SIGINT')
    messages.push(msg)
  }
  await ended
  expect(messages, command).toContain('connector stopped')
}

const isService = (command: string) => /^(npm start|(polaris-connector|node dist\/main\.js) run)$/.test(command)

/** `documented-pages.test.ts` runs these from the first line to the last. */
const wholePages = ['README.md', 'docs/getting-started.md']
const pages = [...new Set(commands.filter((one) => isOurs(one)).map(({ page }) => page))].filter(
  (page) => !wholePages.includes(page),
)

describe.each(pages)('%s', (page) => {
  const own = commands.filter((one) => one.page === page && isOurs(one))

  test('has commands that succeed while a replica is running', async () => {
    const here = await scene({ environment: { PLACEMENT: 'group', HTTP_PORT: String(await freePort()) } })
    await startReplica(here)
    for (const { command } of own) {
      // A stream without a checkpoint is held on a topic that has the events of another one.
      const CONNECTOR_ID = `${here.name}-another`
      const another = { ...here.environment, CONNECTOR_ID, KAFKA_TOPIC: `${here.name}.another`, HTTP_PORT: '0' }
      if (isService(command)) await runService(command, another)
      else expect(await shell(command, here.environment), command).not.toBe('')
    }
  })
})

async function startReplica({ start }: Scene): Promise<void> {
  await start().line(({ msg }) => msg === 'caught up')
}

test.each(['README.md', 'docs/getting-started.md'])('the variables in %s are a valid configuration', async (page) => {
  const exports = commands.filter((one) => one.page === page && /^export /.test(one.command))
  const script = exports.map(({ command }) => command.replaceAll('/run/secrets', join(folder, 'secrets')))
  expect(await shell([...script, 'polaris-connector lint'].join(' && '))).toMatch(/^valid: true/)
})

const configurations = markdownFiles().flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language, text }) => language === 'yaml' && /^connector:/m.test(text))
    .map(({ text }) => [path, text]),
)

test.each(configurations)('a configuration in %s is valid', async (_, text = '') => {
  const file = join(folder, 'connector.yaml')
  writeFileSync(file, text)
  expect(await shell(`polaris-connector lint --config ${file}`)).toMatch(/^valid: true/)
})

test('the documented openssl command prints the fingerprint for POLARIS_TLS_FINGERPRINTS', async () => {
  const { command = '' } = commands.find((one) => one.command.startsWith('openssl')) ?? {}
  const certificate = loneCertificate('20200101', '20991231')
  const simulator = await startPolarisSimulator({ clients: 1, tls: certificate })
  try {
    const shown = await shell(command.replace('polaris.example:3443', new URL(simulator.url).host))
    expect(shown.trim().toLowerCase()).toBe(`sha256 fingerprint=${certificate.fingerprint.toLowerCase()}`)
  } finally {
    await simulator.close()
  }
})

test('the Polaris simulator prints its options', async () => {
  expect(await shell('npm run polaris-simulator -- --help')).toContain('--')
})
