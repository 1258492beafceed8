import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

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

test('the image runs as a numeric non-root user, and starts Node without a shell', () => {
  expect(of('USER')).toEqual(['USER 65532:65532'])
  for (const name of ['ENTRYPOINT', 'CMD']) for (const line of of(name)) expect(line).toMatch(/^[A-Z]+ \[".*"\]$/)
  expect(of('HEALTHCHECK').join()).toMatch(/ CMD \["node", "-e", ".*healthz.*"\]$/)
  expect(of('ADD')).toEqual([])
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

test('the image starts with the memory flags of npm start', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const flags = /^node (.*) dist\/main\.js run$/.exec(scripts.start)?.[1]?.split(' ') ?? []
  expect(flags.length).toBeGreaterThan(0)
  for (const flag of flags) expect(of('ENTRYPOINT').at(-1)).toContain(`"${flag}"`)
})

test('no argument or variable of the Dockerfile holds a secret', () => {
  expect(instructions.filter((line) => /^(ARG|ENV) \w*(PASSWORD|SECRET|TOKEN|KEY)/i.test(line))).toEqual([])
})

test('the build context is an allow list of existing files, without local or generated ones', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  expect(lines[0]).toBe('*')
  for (const line of lines.slice(1)) {
    expect(line).toMatch(/^!/)
    const path = new URL(`../../../${line.slice(1)}`, import.meta.url)
    expect(() => readFileSync(path), line).not.toThrow(/ENOENT/)
  }
  const kept = lines.slice(1).map((line) => line.slice(1).split('/')[0])
  for (const name of readdirSync(new URL('../../..', import.meta.url))) {
    if (/^(\.git|\.cache|\.env.*|node_modules|dist|coverage)$/.test(name)) expect(kept).not.toContain(name)
  }
})

test('the build context has every file that image-files.ts copies', () => {
  const kept = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const scripts = ['scripts/image-files.ts', 'scripts/build/bundle.ts'].map(read).join('\n')
  const copied = [...scripts.matchAll(/cpSync\('([^']+)'/g)].map(([, path = '']) => path)
  expect(copied).toContain('config/connector.schema.json')
  for (const path of copied)
    expect(
      kept.some((one) => path === one || path.startsWith(`${one}/`)),
      path,
    ).toBe(true)
})
