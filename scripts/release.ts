import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { baseImages, podman, whyNoContainers } from '../test/support/containers/containers.ts'
import { releasedFolder, whyNotSaved } from './contract/released.ts'
import { staleFiles } from './generate.ts'
import { writeArtefacts } from './release/artefacts.ts'
import { changelogSection } from './release/changelog.ts'
import { publish } from './release/publish.ts'
import { whyNoRelease } from './release/why-not.ts'

const HELP = `Tests the version in package.json and packages it into dist/release: the image for amd64 and arm64, the chart, the
contract, the software bill of materials (SBOM), the release notes and SHA256SUMS.

make release RELEASE='[options]'

  --tag v1.2.3             fail unless the tag matches the version in package.json
  --push REGISTRY/OWNER    then push the image and the chart (first run podman login and helm registry login)
  --plain-http             push over HTTP instead of HTTPS
  --trial                  skip the tests, and allow stand-ins for base images that cannot be pulled
  --help
`
const OPTIONS = {
  tag: { type: 'string' },
  push: { type: 'string' },
  'plain-http': { type: 'boolean', default: false },
  trial: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const folder = 'dist/release'
const git = (...args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8' }).trimEnd()
const read = (path: string) => readFileSync(path, 'utf8')

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return void process.stdout.write(HELP)
  const { version } = JSON.parse(read('package.json')) as { version: string }
  refuse([whyNoContainers()].filter((why) => why !== undefined))
  const changelog = read('CHANGELOG.md')
  const uncommitted = git('status', '--porcelain')
  const state = { version, changelog, tag: values.tag, uncommitted, standInsAllowed: values.trial }
  refuse([
    ...whyNoRelease({ ...state, baseImages: baseImages() }),
    ...staleFiles().map((path) => `${path} is stale`),
    ...whyNotSaved(releasedFolder, version),
  ])

  if (!values.trial) for (const target of ['test', 'test-image']) execFileSync('make', [target], { stdio: 'inherit' })
  const [revision = '', committedAt] = git('log', '-1', '--format=%H %ct').split(' ')
  const notes = changelogSection(changelog, version) ?? ''
  const release = { version, revision, committedAt: Number(committedAt), notes }
  const images = await writeArtefacts(folder, release)
  try {
    const registry = { address: values.push ?? '', plainHttp: values['plain-http'] }
    if (values.push !== undefined) await publish(folder, images, release, registry)
  } finally {
    await podman('rmi', ...images)
  }
  for (const name of readdirSync(folder)) console.log(`${folder}/${name}  ${statSync(join(folder, name)).size} bytes`)
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new Error(`cannot release: ${reasons.join('\n  and ')}`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
