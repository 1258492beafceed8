import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'
import { containerEnvironment, podman, run } from './containers.ts'

/** Files that configure access to package registries; mounted so that the container reaches the same ones. */
const settings = {
  '/usr/local/share/ca-certificates': '/usr/local/share/ca-certificates',
  '/etc/pip.conf': '/etc/pip.conf',
  [join(homedir(), '.npmrc')]: '/root/.npmrc',
  [join(homedir(), '.m2/settings.xml')]: '/root/.m2/settings.xml',
}

/** Runs bash in the checkout; resolves to its output, rejects with an error that contains the output. */
type Bash = (script: string) => Promise<string>

/** A bare Debian with only git, make, certificates and a copy of this checkout. Removed when the test ends. */
export async function freshMachine({ onTestFinished }: TestContext): Promise<Bash> {
  const name = `fresh-${randomUUID().slice(0, 13)}`
  onTestFinished(async () => void (await podman('rm', '--force', '--ignore', '--time', '0', name)))
  await podman('run', '--detach', '--init', '--pull', 'never', '--name', name, ...network(), image, 'sleep', 'infinity')
  const bash = async (script: string) => {
    const args = ['exec', '--workdir', '/srv', name, 'bash', '-c', script]
    const options = { env: containerEnvironment(), maxBuffer: 2 ** 26 }
    const { stdout, stderr } = await promisify(execFile)('podman', args, options).catch(({ code, stdout, stderr }) => {
      throw new Error(`exit code ${code}: ${script}\n${stdout}${stderr}`)
    })
    return `${stdout}${stderr}`
  }
  await bash('update-ca-certificates')
  await copyCheckout(name)
  return bash
}

/** Gives the container the same package registries and trusted certificates as this machine. */
function network(): string[] {
  const mounts = Object.entries(settings).filter(([from]) => existsSync(from))
  const volumes = mounts.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`])
  return ['--network', 'host', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt', ...volumes]
}

const image = 'localhost/bare-debian:bookworm'

/** Copies every file that Git does not ignore. */
async function copyCheckout(container: string): Promise<void> {
  const list = 'git ls-files --cached --others --exclude-standard -z'
  const unpack = `podman exec --interactive ${container} tar --extract --directory /srv`
  await run('bash', '-c', `set -o pipefail; ${list} | tar --create --null --files-from - | ${unpack}`)
}
