import { readFileSync } from 'node:fs'
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

test('the image starts with the memory flags of npm start', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const flags = /^node (.*) dist\/main\.js run$/.exec(scripts.start)?.[1]?.split(' ') ?? []
  expect(flags.length).toBeGreaterThan(0)
  for (const flag of flags) expect(of('ENTRYPOINT').at(-1)).toContain(`"${flag}"`)
})
