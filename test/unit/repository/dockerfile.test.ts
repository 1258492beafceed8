import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The instructions of the Dockerfile are read, and its health check runs against a real server.

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '')
const of = (name: string) => instructions.filter((line) => line.startsWith(`${name} `))

test('every base image of the Dockerfile is an argument, pinned by version tag and digest', () => {
  const bases = of('ARG').filter((line) => /^ARG \w+_IMAGE=/.test(line))
  expect(bases.length).toBe(2)
  for (const base of bases) expect(base).toMatch(/=[\w.-]+\/[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/)
  const own = of('FROM').map((line) => / AS (\w+)$/.exec(line)?.[1])
  for (const from of of('FROM')) {
    const [name = ''] = from
      .split(' ')
      .slice(1)
      .filter((part) => !part.startsWith('--platform='))
    expect(name.startsWith('${') || own.includes(name), from).toBe(true)
  }
  expect(read('Dockerfile')).not.toMatch(/:latest\b/)
})

test('.nvmrc has the Node version of the image, which is a supported one', () => {
  const version = read('.nvmrc').trim()
  const [major = 0, minor = 0] = version.split('.').map(Number)
  expect(read('Dockerfile')).toContain(`/node:${version}-`)
  const { engines, devDependencies } = JSON.parse(read('package.json'))
  const [oldestMajor = 0, oldestMinor = 0] = engines.node.replace('>=', '').split('.').map(Number)
  expect(major * 1000 + minor).toBeGreaterThanOrEqual(oldestMajor * 1000 + oldestMinor)
  expect(devDependencies['@types/node']).toMatch(new RegExp(`^\\^?${major}\\.`))
})

test('no argument or variable of the Dockerfile holds a secret', () => {
  expect(instructions.filter((line) => /^(ARG|ENV) \w*(PASSWORD|SECRET|TOKEN|KEY)/i.test(line))).toEqual([])
})

test('the health check asks the port of HTTP_PORT, of its file, or of the configuration file', async () => {
  const server = createServer((request, response) => void response.end(request.url))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const folder = mkdtempSync(join(tmpdir(), 'health-'))
  const saved = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const check = fileURLToPath(new URL('../../../scripts/image-files/health-check.js', import.meta.url))
  const exitWith = async (environment: Record<string, string>, args: string[] = []) => {
    const commandLine = saved('cmdline', ['node', '/app/dist/main.js', 'run', ...args, ''].join('\0'))
    const env = { HTTP_PORT: '', HTTP_PORT_FILE: '', ...environment }
    return (await once(spawn(process.execPath, [check, commandLine], { env, stdio: 'ignore' }), 'exit'))[0]
  }
  const block = saved('block.yaml', `log: { level: info }\nhttp:\n  # Of this machine.\n  port: ${port} # ours\n`)
  const flow = saved('flow.yaml', `http: { port: "${port}" }\nkafka: { port: 1 }\n`)
  const closed = String(port === 1 ? 2 : 1)
  expect(await exitWith({ HTTP_PORT: String(port) })).toBe(0)
  expect(await exitWith({ HTTP_PORT_FILE: saved('port', `${port}\n`) })).toBe(0)
  expect(await exitWith({}, ['--config', block])).toBe(0)
  expect(await exitWith({}, [`--config=${flow}`])).toBe(0)
  expect(await exitWith({}, ['-c', flow])).toBe(0)
  expect(await exitWith({ HTTP_PORT: closed }, ['-c', flow])).toBe(1)
  server.close()
  rmSync(folder, { recursive: true })
})
