import { join } from 'node:path'
import { podman } from '../../test/support/containers/containers.ts'
import { helm } from '../../test/support/helm.ts'
import { imageName, type Release } from './artefacts.ts'

export interface Registry {
  /** Host and path, such as `ghcr.io/owner`. */
  readonly address: string
  readonly plainHttp: boolean
}

/**
 * Pushes the image to `<address>/polaris-clients-connector` and the chart to `<address>/charts/polaris-connector`.
 * Needs an earlier `podman login` and `helm registry login`.
 */
export async function publish(folder: string, image: string, { version }: Release, registry: Registry): Promise<void> {
  const { address, plainHttp } = registry
  const tls = plainHttp ? ['--tls-verify=false'] : []
  await podman('push', '--quiet', '--format', 'v2s2', ...tls, image, `docker://${address}/${imageName}:${version}`)
  const chart = join(folder, `polaris-connector-${version}.tgz`)
  helm('4', ['push', chart, `oci://${address}/charts`, ...(plainHttp ? ['--plain-http'] : [])])
}
