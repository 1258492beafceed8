import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { productionPackages } from '../../scripts/image-files/production-packages.ts'
import { imageTag, needContainers } from '../support/containers/connector-container.ts'
import { podman, run } from '../support/containers/containers.ts'

// The built image is inspected, and run with limits.

needContainers()

interface ImageConfig {
  readonly Healthcheck: { readonly Test: readonly string[] }
  readonly Size: number
  readonly Config: {
    readonly User: string
    readonly Entrypoint: readonly string[]
    readonly Cmd: readonly string[]
    readonly Labels: Readonly<Record<string, string>>
  }
}

async function inspected(tag: string): Promise<ImageConfig> {
  const [found] = JSON.parse(await podman('image', 'inspect', tag)) as ImageConfig[]
  if (found === undefined) throw new Error(`no image ${tag}`)
  return found
}

/** All paths in the image, without a leading slash. */
async function files(): Promise<string[]> {
  const container = await podman('create', '--pull', 'never', imageTag())
  try {
    return (await run('sh', '-c', `podman export ${container} | tar -t`)).split('\n')
  } finally {
    await podman('rm', container)
  }
}

/** Evaluates an expression in the image's Node. */
const node = (expression: string) =>
  podman('run', '--rm', '--network', 'none', '--pull', 'never', '--entrypoint', 'node', imageTag(), '-p', expression)

test('is smaller than 200 MB, runs as a numeric user, and has all labels', async () => {
  const { Size, Config, Healthcheck } = await inspected(imageTag())
  console.log(`the image has ${Math.round(Size / 1e6)} MB`)
  expect(Size).toBeLessThan(200e6)
  expect(Config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  expect(Config.Entrypoint[0]).toBe('node')
  expect(Config.Cmd).toEqual(['run'])
  expect(Healthcheck.Test).toEqual(['CMD', 'node', '/app/health-check.js'])
  const labels = ['title', 'description', 'licenses'].map((one) => `org.opencontainers.image.${one}`)
  for (const label of labels) expect(Config.Labels[label], label).toBeTruthy()
})

test('has no shell, no package manager and no development files', async () => {
  const all = await files()
  expect(all).toContain('app/dist/main.js')
  const unwanted =
    /(^|\/)(sh|bash|dash|busybox|npm|npx|yarn|apt-get|dpkg)$|\.d\.ts$|^build\/|(^|\/)(test|vitest|typescript|esbuild)\//
  expect(all.filter((path) => unwanted.test(path) && !path.startsWith('app/node_modules/kafkajs/types/'))).toEqual([])
})

test('contains the licence of Node and every production package, and lists them in its bill of materials', async () => {
  const all = new Set(await files())
  const packages = productionPackages()
  expect(packages.length).toBeGreaterThan(20)
  for (const { name, version } of packages) {
    const folder = `licenses/${name}@${version}/`
    expect(
      [...all].some((path) => path.startsWith(folder) && path !== folder),
      folder,
    ).toBe(true)
  }
  expect(all).toContain('licenses/LICENSE')
  expect(all).toContain('licenses/node/LICENSE')
  const bill = JSON.parse(await node('fs.readFileSync("/sbom.cdx.json", "utf8")'))
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'polaris-clients-connector' } } })
  const listed = bill.components.map((one: { name: string; version: string }) => `${one.name}@${one.version}`).sort()
  expect(listed).toEqual(
    [
      ...packages.map(({ name, version }) => `${name}@${version}`),
      `node@${await node('process.versions.node')}`,
    ].sort(),
  )
})

test('keeps the heap below the memory limit of the chart, and allows a larger heap with more memory', async () => {
  const heapMb = async (memory: string) => {
    const options = ['--rm', '--network', 'none', '--pull', 'never', '--memory', memory, '--entrypoint', 'node']
    const limit = 'require("v8").getHeapStatistics().heap_size_limit / 2 ** 20'
    return Number(await podman('run', ...options, imageTag(), '-p', limit))
  }
  const { resources } = parse(readFileSync('helm/values.yaml', 'utf8'))
  expect(resources.limits.memory).toBe('384Mi')
  expect(await heapMb('384m')).toBeLessThan(300)
  expect(await heapMb('1g')).toBeGreaterThan(500)
})
