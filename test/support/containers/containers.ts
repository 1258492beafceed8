import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const cached = (path: string) => fileURLToPath(new URL(`../../../.cache/${path}`, import.meta.url))
const settings = cached('containers')

/** The reason why containers cannot be built and run on this machine; undefined when they can. */
export function whyNoContainers(): string | undefined {
  if (existsSync(cached('no-containers'))) return readFileSync(cached('no-containers'), 'utf8').trim()
  return existsSync(`${settings}/bases`) ? undefined : 'not installed: run scripts/provision.sh image'
}

/** The environment in which podman and buildah find their settings and images. */
export function containerEnvironment(): NodeJS.ProcessEnv {
  const found = {
    CONTAINERS_CONF: `${settings}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${settings}/storage.conf`,
    PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
  }
  return { ...process.env, ...found }
}

/** Runs the command; resolves to its standard output, rejects with an error that contains its standard error. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const options = { env: containerEnvironment(), maxBuffer: 2 ** 26 }
  return (await promisify(execFile)(command, args, options)).stdout.trim()
}

export const podman = (...args: readonly string[]) => run('podman', ...args)

export interface ImageBuild {
  readonly target: string
  readonly tag: string
}

/** Builds a target of the Dockerfile. */
export async function buildImage({ target, tag }: ImageBuild): Promise<void> {
  const options = ['--quiet', '--layers', '--isolation', 'chroot', '--network', 'host', '--pull=never']
  const architecture = `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`
  const platform = ['--platform', architecture, '--build-arg', `BUILDPLATFORM=${architecture}`]
  const bases = baseImages().flatMap((one) => ['--build-arg', one])
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  // Docker's format: the OCI format has no health check.
  await run(
    'buildah',
    'bud',
    ...options,
    '--format',
    'docker',
    ...platform,
    ...bases,
    '--target',
    target,
    '-t',
    tag,
    root,
  )
}

/**
 * The variables that override the Kafka and S3 images of compose.yaml: the real images if they could be pulled,
 * otherwise stand-ins. Undefined when there are neither.
 */
export function composeImages(): Record<string, string> | undefined {
  if (!existsSync(`${settings}/compose-images`)) return undefined
  const lines = readFileSync(`${settings}/compose-images`, 'utf8').split('\n')
  return Object.fromEntries(lines.filter((line) => /^[A-Z0-9_]+=/.test(line)).map((line) => line.split('=')))
}

/** The base images as `NAME=image`: those pinned in the Dockerfile if they could be pulled, otherwise stand-ins. */
export function baseImages(): string[] {
  return readFileSync(`${settings}/bases`, 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z_]+=/.test(line))
}
