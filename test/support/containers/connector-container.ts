import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { beforeEach, inject, onTestFinished } from 'vitest'
import { type ConnectorProcess, connectorIn } from '../connector-process.ts'
import { containerEnvironment, podman } from './containers.ts'

/** Skips the tests of a file, with the reason, when no container can be run. */
export function needContainers(): void {
  beforeEach((context) => {
    const image = inject('image')
    if ('why' in image) context.skip(`needs a container: ${image.why}`)
  })
}

/** The tag of the image built for this run. */
export function imageTag(): string {
  const image = inject('image')
  if ('why' in image) throw new Error(image.why)
  return image.tag
}

const hardened = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop',
  'all',
  '--security-opt',
  'no-new-privileges',
  '--memory',
  '256m',
]

export interface ConnectorContainer extends ConnectorProcess {
  readonly name: string
}

/** Starts the connector in a read-only container without capabilities and with 256 MB. Removed when the test ends. */
export function startContainer(args: readonly string[], environment: Record<string, string>): ConnectorContainer {
  const name = `connector-${randomUUID().slice(0, 13)}`
  const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  const options = ['--name', name, '--pull', 'never', '--network', 'host', ...hardened, ...variables]
  const child = spawn('podman', ['run', ...options, imageTag(), ...args], { env: containerEnvironment() })
  const remove = () => podman('rm', '--force', '--time', '0', name)
  onTestFinished(async () => void (await remove()))
  return { name, ...connectorIn(child, () => void podman('kill', '--signal', 'KILL', name).catch(() => {})) }
}
