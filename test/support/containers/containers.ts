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

/** The architectures of which a release has images. */
export const architectures = ['amd64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

export interface ImageBuild {
  readonly target: string
  readonly tag: string
  /** Ignores cached layers. */
  readonly fresh?: true
  /** Default: that of this machine. */
  readonly architecture?: Architecture
  /** Further labels of the image. */
  readonly labels?: { readonly version: string; readonly revision: string }
}

/** Builds a target of the Dockerfile; every file gets the time 0, so that the build is reproducible. */
export async function buildImage({
  target,
  tag,
  fresh,
  labels,
  architecture = ownArchitecture,
}: ImageBuild): Promise<void> {
  const options = ['--isolation', 'chroot', '--network', 'host', '--pull=never', '--format', 'docker']
  const platform = ['--platform', `linux/${architecture}`, '--build-arg', `BUILDPLATFORM=linux/${ownArchitecture}`]
  // Not build arguments: buildah reuses a cached layer whose labels had other arguments.
  const labelled = Object.entries(labels ?? {}).flatMap(([name, value]) => [
    '--label',
    `org.opencontainers.image.${name}=${value}`,
  ])
  const bases = baseImages().flatMap((one) => ['--build-arg', one])
  const cache = fresh ? ['--no-cache'] : []
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const how = ['--quiet', '--layers', '--timestamp', '0', ...cache, ...options, ...platform, ...bases, ...labelled]
  await run('buildah', 'bud', ...how, '--target', target, '-t', tag, root)
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
