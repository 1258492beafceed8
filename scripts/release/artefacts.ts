import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Architecture, architectures, buildImage, podman } from '../../test/support/containers/containers.ts'
import { helm } from '../../test/support/helm.ts'

/** The commit to release, and its notes. */
export interface Release {
  readonly version: string
  /** The commit, and its time in seconds since 1970. */
  readonly revision: string
  readonly committedAt: number
  /** Text of the release notes. */
  readonly notes: string
}

export const imageName = 'polaris-clients-connector'

/**
 * Empties `folder`, writes all artefacts to it and returns the tags of the images, one for each architecture.
 * The same commit on the same base images gives identical layers and files.
 */
export async function writeArtefacts(folder: string, release: Release): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const base = `${imageName}-${release.version}`
  const images: string[] = []
  for (const architecture of architectures) images.push(await writeImage(join(folder, base), release, architecture))
  const [image = ''] = images
  await writeBillOfMaterials(image, join(folder, `${base}.sbom.cdx.json`))
  writeChart(folder, release)
  writeArchive(join(folder, `${base}-contract.tgz`), { inside: '.', name: 'contract', ...release })
  writeFileSync(join(folder, 'RELEASE-NOTES.md'), `${release.notes}\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder))
  return images
}

async function writeImage(base: string, release: Release, architecture: Architecture): Promise<string> {
  const image = `localhost/${imageName}:${release.version}-${architecture}`
  const { version, revision } = release
  await buildImage({ target: 'connector', tag: image, labels: { version, revision }, architecture })
  // Docker format, since the OCI format has no health check; uncompressed, since podman 4 loads no compressed archive.
  const archive = `docker-archive:${base}-image-${architecture}.tar:${imageName}:${release.version}`
  await podman('push', '--quiet', image, archive)
  return image
}

/** Copies the bill of materials out of the image. */
async function writeBillOfMaterials(image: string, file: string): Promise<void> {
  const container = await podman('create', '--pull', 'never', image)
  try {
    await podman('cp', `${container}:/sbom.cdx.json`, file)
  } finally {
    await podman('rm', container)
  }
}

/** Packages the chart as Helm does. */
function writeChart(folder: string, { version, committedAt }: Release): void {
  const work = mkdtempSync(join(tmpdir(), 'chart-'))
  try {
    const name = `polaris-connector-${version}.tgz`
    helm('4', ['package', 'helm', '--destination', work])
    execFileSync('tar', ['-xzf', name], { cwd: work })
    writeArchive(join(folder, name), { inside: work, name: 'polaris-connector', committedAt })
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** Archives a folder; every file has the time of the commit, so the same content gives the same bytes. */
function writeArchive(
  file: string,
  { inside, name, committedAt }: { inside: string; name: string; committedAt: number },
): void {
  const same = ['--sort=name', `--mtime=@${committedAt}`, '--owner=0', '--group=0', '--numeric-owner']
  const options = { cwd: inside, maxBuffer: 2 ** 26 }
  const archive = execFileSync('tar', ['-c', ...same, '--mode=u=rwX,go=rX', name], options)
  writeFileSync(file, execFileSync('gzip', ['--no-name'], { input: archive, maxBuffer: 2 ** 26 }))
}

/** In the format that `sha256sum --check` reads. */
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
