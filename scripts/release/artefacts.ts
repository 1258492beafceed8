import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage, podman } from '../../test/support/containers.ts'
import { helm } from '../../test/support/helm.ts'

/** What is released. */
export interface Release {
  readonly version: string
  /** The commit, and its time in seconds since 1970. */
  readonly revision: string
  readonly committedAt: number
  /** Text of the release notes. */
  readonly notes: string
}

export const imageName = 'polaris-clients-connector'

/** Writes everything to `folder`, which is emptied first, and returns the tag of the image. The same commit on the same base images gives the same layers and the same other files. */
export async function writeArtefacts(folder: string, release: Release): Promise<string> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const image = `localhost/${imageName}:${release.version}`
  // From nothing: buildah takes a layer with the labels of another version for this one's.
  await buildImage({ target: 'connector', tag: image, labels: release, fresh: true })
  const base = `${imageName}-${release.version}`
  // Docker's format, since that of OCI has no place for the health check; not compressed, since podman 4 loads no other.
  const archive = `docker-archive:${join(folder, `${base}-image.tar`)}:${imageName}:${release.version}`
  await podman('push', '--quiet', image, archive)
  await writeBillOfMaterials(image, join(folder, `${base}.sbom.cdx.json`))
  writeChart(folder, release)
  writeFileSync(join(folder, 'RELEASE-NOTES.md'), `${release.notes}\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder))
  return image
}

/** The very file that is in the image. */
async function writeBillOfMaterials(image: string, file: string): Promise<void> {
  const container = await podman('create', '--pull', 'never', image)
  try {
    await podman('cp', `${container}:/sbom.cdx.json`, file)
  } finally {
    await podman('rm', container)
  }
}

/** As Helm packages it, but with the time of the commit for every file. */
function writeChart(folder: string, { version, committedAt }: Release): void {
  const work = mkdtempSync(join(tmpdir(), 'chart-'))
  try {
    const name = `polaris-connector-${version}.tgz`
    helm('4', ['package', 'helm', '--destination', work])
    execFileSync('tar', ['-xzf', name], { cwd: work })
    const same = [
      '--sort=name',
      `--mtime=@${committedAt}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u=rwX,go=rX',
    ]
    const archive = execFileSync('tar', ['-c', ...same, 'polaris-connector'], { cwd: work, maxBuffer: 2 ** 26 })
    writeFileSync(join(folder, name), execFileSync('gzip', ['--no-name'], { input: archive, maxBuffer: 2 ** 26 }))
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** As `sha256sum --check` reads them. */
function checksums(folder: string): string {
  const lines = readdirSync(folder)
    .toSorted()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    )
  return lines.join('')
}
