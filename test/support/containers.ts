import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const cached = (path: string) => fileURLToPath(new URL(`../../.cache/${path}`, import.meta.url))
const settings = cached('containers')

/** Why no container can be built and run here; `undefined` when they can. */
export function whyNoContainers(): string | undefined {
  if (existsSync(cached('no-containers'))) return readFileSync(cached('no-containers'), 'utf8').trim()
  return existsSync(`${settings}/bases`) ? undefined : 'not provided: scripts/provision.sh image'
}

/** The variables under which podman and buildah find their settings and images. */
export function containerEnvironment(): NodeJS.ProcessEnv {
  const found = {
    CONTAINERS_CONF: `${settings}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${settings}/storage.conf`,
    PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
  }
  return { ...process.env, ...found }
}

/** Runs the command and resolves to what it prints; rejects with what it complains about. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const options = { env: containerEnvironment(), maxBuffer: 2 ** 26 }
  return (await promisify(execFile)(command, args, options)).stdout.trim()
}

export const podman = (...args: readonly string[]) => run('podman', ...args)

export interface ImageBuild {
  readonly target: string
  readonly tag: string
  /** Without the layers that are there. */
  readonly fresh?: true
  /** What its labels say. */
  readonly labels?: { readonly version: string; readonly revision: string }
}

/** Builds a target of the Dockerfile on the base images that there are, as a release does: with one time for everything in it. */
export async function buildImage({ target, tag, fresh, labels }: ImageBuild): Promise<void> {
  const options = [
    '--isolation',
    'chroot',
    '--network',
    'host',
    '--pull=never',
    '--format',
    'docker',
    '--timestamp',
    '0',
  ]
  const labelled = labels === undefined ? [] : [`VERSION=${labels.version}`, `REVISION=${labels.revision}`]
  const arguments_ = [...baseImages(), ...labelled].flatMap((one) => ['--build-arg', one])
  const cache = fresh ? ['--no-cache'] : []
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await run(
    'buildah',
    'bud',
    '--quiet',
    '--layers',
    ...cache,
    ...options,
    ...arguments_,
    '--target',
    target,
    '-t',
    tag,
    root,
  )
}

/** The variables by which compose.yaml takes its images of Kafka and of the S3 server: the real ones where a registry answers, else stand-ins; `undefined` without either. */
export function composeImages(): Record<string, string> | undefined {
  if (!existsSync(`${settings}/compose-images`)) return undefined
  const lines = readFileSync(`${settings}/compose-images`, 'utf8').split('\n')
  return Object.fromEntries(lines.filter((line) => /^[A-Z0-9_]+=/.test(line)).map((line) => line.split('=')))
}

/** As `NAME=image`: those that the Dockerfile pins where a registry answers, else stand-ins. */
export function baseImages(): string[] {
  return readFileSync(`${settings}/bases`, 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z_]+=/.test(line))
}
