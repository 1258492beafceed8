import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { podman } from '../../test/support/containers/containers.ts'
import { helmOutputs } from '../../test/support/helm.ts'
import { imageName, type Release } from './artefacts.ts'

export interface Registry {
  /** Host and path, such as `ghcr.io/owner`. */
  readonly address: string
  readonly plainHttp: boolean
}

/**
 * Pushes `<address>/polaris-clients-connector`, one image for all architectures, and the chart, to
 * `<address>/charts/polaris-connector`. Writes both digests to `DIGESTS` in `folder`, to be signed.
 * Needs an earlier `podman login` and `helm registry login`.
 */
export async function publish(
  folder: string,
  images: readonly string[],
  { version }: Release,
  { address, plainHttp }: Registry,
): Promise<void> {
  const image = { name: `${address}/${imageName}`, version, plainHttp }
  const chart = join(folder, `polaris-connector-${version}.tgz`)
  const digests = [
    `${image.name}@${await pushImages(images, image)}`,
    `${address}/charts/polaris-connector@${pushChart(chart, `oci://${address}/charts`, plainHttp)}`,
  ]
  writeFileSync(join(folder, 'DIGESTS'), `${digests.join('\n')}\n`)
}

interface ImageAtRegistry {
  readonly name: string
  readonly version: string
  readonly plainHttp: boolean
}

/** Pushes a list of the images; returns its digest. */
async function pushImages(images: readonly string[], { name, version, plainHttp }: ImageAtRegistry): Promise<string> {
  const list = `localhost/${imageName}:${version}`
  const work = mkdtempSync(join(tmpdir(), 'digest-'))
  const digest = join(work, 'digest')
  try {
    await podman('manifest', 'create', list, ...images.map((image) => `containers-storage:${image}`))
    const options = ['--all', '--format', 'v2s2', '--digestfile', digest, ...(plainHttp ? ['--tls-verify=false'] : [])]
    await podman('manifest', 'push', ...options, list, `docker://${name}:${version}`)
    return readFileSync(digest, 'utf8').trim()
  } finally {
    await podman('manifest', 'rm', list)
    rmSync(work, { recursive: true })
  }
}

/** Returns the digest, which Helm reports. */
function pushChart(chart: string, to: string, plainHttp: boolean): string {
  const { stdout, stderr } = helmOutputs('4', ['push', chart, to, ...(plainHttp ? ['--plain-http'] : [])])
  const digest = /sha256:[0-9a-f]{64}/.exec(stdout + stderr)?.[0]
  if (digest === undefined) throw new Error(`helm push reported no digest: ${stdout}${stderr}`)
  return digest
}
