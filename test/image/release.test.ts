import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { needContainers } from '../support/containers/connector-container.ts'
import { architectures, podman, whyNoContainers } from '../support/containers/containers.ts'
import { helm, someValues } from '../support/helm.ts'
import { type RegistryServer, startRegistry } from '../support/servers/registry.ts'

needContainers()

const root = fileURLToPath(new URL('../../', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const copy = mkdtempSync(join(tmpdir(), 'release-'))
const released = (name: string) => join(copy, 'dist/release', name)
const archive = (architecture: string) => `polaris-clients-connector-${version}-image-${architecture}.tar`
/** The architecture of this machine, whose image runs here. */
const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
const bill = `polaris-clients-connector-${version}.sbom.cdx.json`
const chart = `polaris-connector-${version}.tgz`
const contract = `polaris-clients-connector-${version}-contract.tgz`
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=Release', '-c', 'user.email=release@example.com', ...args], { cwd: copy })

/** Runs the release script in the copy; returns its exit code and output. */
function release(...options: readonly string[]) {
  const args = ['scripts/release.ts', '--trial', ...options]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

let registry: RegistryServer | undefined

/** Copies the checkout into a new repository, and starts a registry. */
beforeAll(async () => {
  if (whyNoContainers() !== undefined) return
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root })
  for (const path of listed.toString().split('\0')) if (path !== '') cpSync(join(root, path), join(copy, path))
  for (const link of ['node_modules', '.cache']) symlinkSync(join(root, link), join(copy, link))
  git('init', '--quiet')
  writeFileSync(join(copy, '.git/info/exclude'), 'node_modules\n.cache\n')
  registry = await startRegistry()
})
afterAll(async () => {
  await registry?.close()
  rmSync(copy, { recursive: true, force: true })
})

function commit(message: string): void {
  git('add', '--all')
  git('commit', '--quiet', '--message', message)
}

it('refuses a version without a section in the changelog, a wrong tag, and uncommitted changes', () => {
  const changelog = join(copy, 'CHANGELOG.md')
  const text = readFileSync(changelog, 'utf8').replaceAll(`## [${version}]`, '## [0.0.0]')
  writeFileSync(changelog, text)
  commit('without a section')
  expect(release()).toMatchObject({ status: 1, output: expect.stringContaining(`no section [${version}]`) })
  writeFileSync(
    changelog,
    text.replace('## [', `## [${version}] - 2026-01-01\n\n- The changes of this release.\n\n## [`),
  )
  const { status, output } = release('--tag', 'v99.0.0')
  expect(status).toBe(1)
  expect(output).toContain(`the tag v99.0.0 must be v${version}`)
  expect(output).toContain('uncommitted changes:\n M CHANGELOG.md')
  expect(output).not.toContain('no section')
  expect(output).toContain(`contract/released/${version} is not the present contract`)
  execFileSync(process.execPath, ['scripts/generate.ts', '--release'], { cwd: copy })
  commit('with a section')
})

it('packages image, chart, bill of materials and notes with their checksums, and pushes to a registry', () => {
  const pushed = ['--push', registry?.address ?? '', '--plain-http']
  const { status, output } = release('--tag', `v${version}`, ...pushed)
  expect(output).toContain(archive('arm64'))
  expect(status, output).toBe(0)
  const names = [...architectures.map(archive), bill, chart, contract, 'RELEASE-NOTES.md', 'SHA256SUMS'].toSorted()
  expect(readdirSync(released('')).toSorted()).toEqual([...names, 'DIGESTS'].toSorted())
  const checked = execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
    cwd: released(''),
    encoding: 'utf8',
  })
  expect(checked.trim().split('\n')).toEqual(names.filter((name) => name !== 'SHA256SUMS').map((name) => `${name}: OK`))
  expect(readFileSync(released('RELEASE-NOTES.md'), 'utf8')).toBe('- The changes of this release.\n')
  console.log(output)
})

it('the image archive loads, and the image has its version, revision, health check and bill of materials', async () => {
  const loaded = `docker.io/library/polaris-clients-connector:${version}`
  expect(await podman('load', '--quiet', '--input', released(archive(own)))).toContain(`Loaded image: ${loaded}`)
  try {
    expect(await podman('run', '--rm', '--pull', 'never', '--network', 'none', loaded, '--version')).toBe(version)
    const [{ Config, Healthcheck }] = JSON.parse(await podman('image', 'inspect', loaded))
    expect(Config.Labels['org.opencontainers.image.version']).toBe(version)
    expect(Config.Labels['org.opencontainers.image.revision']).toBe(git('rev-parse', 'HEAD').toString().trim())
    expect(Healthcheck.Test.slice(0, 3)).toEqual(['CMD', 'node', '-e'])
    const read = `fs.readFileSync('/sbom.cdx.json', 'utf8')`
    const inside = ['run', '--rm', '--pull', 'never', '--network', 'none', '--entrypoint', 'node', loaded, '-p', read]
    expect(await podman(...inside)).toBe(readFileSync(released(bill), 'utf8').trim())
  } finally {
    await podman('rmi', '--force', loaded)
  }
})

it('the packaged chart renders the same as the chart folder', () => {
  const template = (from: string) =>
    helm('4', ['template', 'shops', from, '-n', 'retail', '-f', '-'], JSON.stringify(someValues()))
  expect(template(released(chart))).toBe(template('helm'))
  expect(helm('3', ['show', 'chart', released(chart)])).toContain(`version: ${version}`)
})

it('the registry serves the same chart, and an image of both architectures that runs, by the digests that are signed', async () => {
  const { address } = registry ?? { address: '' }
  const [image = '', chartDigest = ''] = readFileSync(released('DIGESTS'), 'utf8').trim().split('\n')
  expect(image).toMatch(new RegExp(`^${address}/polaris-clients-connector@sha256:[0-9a-f]{64}$`))
  const { manifests } = await manifestOf(image)
  expect(manifests.map(({ platform }) => platform.architecture)).toEqual(architectures)
  expect(chartDigest).toMatch(new RegExp(`^${address}/charts/polaris-connector@sha256:`))
  const folder = mkdtempSync(join(copy, 'dist/pulled-'))
  const from = `oci://${address}/charts/polaris-connector`
  helm('4', ['pull', from, '--version', version, '--plain-http', '--destination', folder])
  expect(sha256(join(folder, chart))).toBe(sha256(released(chart)))
  expect((await manifestOf(chartDigest)).layers).toHaveLength(1)
  const pulled = `${address}/polaris-clients-connector:${version}`
  await podman('pull', '--quiet', '--tls-verify=false', pulled)
  try {
    expect(await podman('run', '--rm', '--pull', 'never', '--network', 'none', pulled, '--version')).toBe(version)
  } finally {
    await podman('rmi', '--force', pulled)
  }
})

/** What the registry has under `host:port/name@digest`. */
async function manifestOf(reference: string) {
  const [, host, name, digest] = /^([^/]+)\/(.+)@(.+)$/.exec(reference) ?? []
  const types = ['docker.distribution.manifest.list.v2', 'oci.image.manifest.v1'].map(
    (one) => `application/vnd.${one}+json`,
  )
  const response = await fetch(`http://${host}/v2/${name}/manifests/${digest}`, { headers: { accept: types.join() } })
  return (await response.json()) as { manifests: { platform: { architecture: string } }[]; layers: unknown[] }
}

// An image archive also records the build containers, which differ; image.test.ts compares the layers.
it('the same commit gives the same files again, except the image archives', () => {
  const sums = () => readFileSync(released('SHA256SUMS'), 'utf8').split('\n')
  const before = sums()
  expect(release().status).toBe(0)
  const others = (lines: readonly string[]) => lines.filter((line) => !line.endsWith('.tar'))
  expect(others(sums())).toEqual(others(before))
  expect(others(before)).toHaveLength(before.length - architectures.length)
})
