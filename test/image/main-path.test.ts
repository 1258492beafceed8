import { expect, test } from 'vitest'
import { type ConnectorContainer, needContainers, startContainer } from '../support/containers/connector-container.ts'
import { containedProcess } from '../support/containers/contained-process.ts'
import { podman } from '../support/containers/containers.ts'
import { freePort } from '../support/servers/free-port.ts'
import { expectExactlyOnce, type SceneOptions, scene } from '../support/stream-scene.ts'

// The image runs on real servers as a container without rights.

needContainers()

async function containerScene(options: SceneOptions) {
  const started: ConnectorContainer[] = []
  const starting: SceneOptions['starting'] = (args, environment) => {
    const container = startContainer(args, environment)
    started.push(container)
    return container
  }
  const stage = await scene({ ...options, starting })
  return { ...stage, container: () => started.at(-1)?.name ?? '' }
}

test('as process 1, read-only, without capabilities and with 256 MB, finishes its page when SIGTERM comes during a scan', async () => {
  const stage = await containerScene({ source: { clients: 10_000 }, environment: { POLARIS_LIMIT: '50' } })
  const first = stage.start()
  await first.status(({ totals }) => (totals?.events ?? 0) > 500)
  const { status, command } = await containedProcess(stage.container())
  expect(command()).toMatch(/\/node --max-semi-space-size=\d+ .*\/app\/dist\/main\.js run$/)
  expect(status('NSpid').split('\t').at(-1)).toBe('1')
  expect(status('Uid')).toMatch(/^65532\b/)
  for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(status(set)).toBe('0000000000000000')
  expect(status('NoNewPrivs')).toBe('1')
  expect(status('Seccomp')).toBe('2')
  await podman('stop', '--time', '30', stage.container())
  expect(await first.exitCode()).toBe(0)
  const stopped = (await stage.records()).length
  expect(stopped).toBeLessThan(10_000)

  const second = stage.start()
  expect(await second.line(({ msg }) => msg === 'stream claimed')).toMatchObject({ nextEvent: stopped })
  await stage.caughtUp(120_000)
  const askedAt = performance.now()
  expect(await second.stop()).toBe(0)
  expect(performance.now() - askedAt).toBeLessThan(10_000)
  expectExactlyOnce(stage, await stage.records())
})

test('has a health check that succeeds while it is alive and fails while it is suspended', async () => {
  const stage = await containerScene({ environment: { HTTP_PORT: `${await freePort()}` } })
  const connector = stage.start()
  await connector.line(({ msg }) => msg === 'caught up')
  const healthy = () => podman('healthcheck', 'run', stage.container())
  await healthy()
  const { pid } = await containedProcess(stage.container())
  process.kill(pid, 'SIGSTOP')
  await expect(healthy()).rejects.toThrow()
  process.kill(pid, 'SIGCONT')
  await healthy()
  expect(await connector.stop()).toBe(0)
})
