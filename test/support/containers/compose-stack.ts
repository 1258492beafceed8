import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import type { Change } from '../../polaris/clients/client-store.ts'
import { freePort } from '../servers/free-port.ts'
import { containerEnvironment, podman } from './containers.ts'

/** The unmodified compose.yaml, run by podman-compose. Removed when the test ends. */
export interface ComposeStack {
  /** `host:port` of the broker's published port. */
  readonly kafka: string
  /** The status page of each replica, as published. */
  readonly pages: readonly string[]
  container(service: string): string
  /** Waits until the service's health check succeeds. */
  untilHealthy(service: string, withinMs?: number): Promise<void>
  /** Every change in the Polaris simulator so far. */
  changes(): Promise<Change[]>
  /** Sends SIGTERM to all services; resolves to the exit code of each container. */
  stop(): Promise<ReadonlyMap<string, number>>
  /** Removes the containers; resolves to the ids of those that remain. */
  down(): Promise<string>
}

/** `images`: variables that override images in compose.yaml. */
export async function startComposed(images: Readonly<Record<string, string>>): Promise<ComposeStack> {
  const project = `composed-${randomUUID().slice(0, 8)}`
  const port = await freePort()
  const httpPorts = [await freePort(), await freePort()]
  const env = {
    ...containerEnvironment(),
    ...images,
    KAFKA_PORT: `${port}`,
    HTTP_PORT_1: `${httpPorts[0]}`,
    HTTP_PORT_2: `${httpPorts[1]}`,
  }
  const cwd = fileURLToPath(new URL('../../..', import.meta.url))
  const compose = (...args: readonly string[]) =>
    promisify(execFile)('podman-compose', ['-p', project, '-f', 'compose.yaml', ...args], { cwd, env })
  const ofProject = ['--filter', `label=io.podman.compose.project=${project}`]
  const container = (service: string) => `${project}_${service}_1`
  const logs = async (service: string) => {
    const { stdout } = await promisify(execFile)('podman', ['logs', container(service)], { env, maxBuffer: 2 ** 26 })
    return stdout
  }
  const printLogs = async () => {
    for (const service of ['kafka', 's3', 'polaris', 'connector-1', 'connector-2']) {
      console.error(`--- ${service}\n${(await logs(service).catch(String)).split('\n').slice(-15).join('\n')}`)
    }
  }
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') await printLogs()
    await compose('down', '--volumes', '--timeout', '0')
    await podman('network', 'rm', '--force', `${project}_default`)
  })
  await compose('up', '--detach', '--no-build')
  return {
    kafka: `127.0.0.1:${port}`,
    container,
    pages: httpPorts.map((httpPort) => `http://127.0.0.1:${httpPort}/`),
    untilHealthy: (service, withinMs = 60_000) => untilHealthy(container(service), withinMs),
    changes: async () => {
      const read = `fs.readFileSync('/home/nonroot/history', 'utf8')`
      const lines = (await podman('exec', container('polaris'), 'node', '-p', read)).split('\n')
      return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Change)
    },
    stop: async () => {
      await compose('stop', '--timeout', '60')
      const listed = await podman('ps', '--all', ...ofProject, '--format', '{{.Names}} {{.ExitCode}}')
      return new Map(listed.split('\n').map((line) => [line.split('_')[1] ?? '', Number(line.split(' ')[1])]))
    },
    down: async () => {
      await compose('down', '--timeout', '60')
      return podman('ps', '--all', '--quiet', ...ofProject)
    },
  }
}

async function untilHealthy(container: string, withinMs: number): Promise<void> {
  for (const giveUpAt = performance.now() + withinMs; ; await delay(500)) {
    const failure = await podman('healthcheck', 'run', container).then(() => undefined, String)
    if (failure === undefined) return
    if (performance.now() > giveUpAt) throw new Error(`${container} is not healthy after ${withinMs} ms: ${failure}`)
  }
}
