import { expect, it } from 'vitest'
import { needContainers, startContainer } from '../support/connector-container.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

needContainers()

it('streams thousands of clients read-only, unprivileged and within 256 MB; killed in the middle it loses and doubles nothing', async () => {
  const stage = await scene({
    source: { clients: 5_000 },
    starting: startContainer,
    environment: { POLARIS_LIMIT: '50' },
  })
  const first = stage.start()
  await first.status(({ totals }) => (totals?.events ?? 0) > 500)
  await first.kill()
  expect((await stage.records()).length).toBeLessThan(5_000)

  const second = stage.start()
  for (let change = 0; change < 50; change += 1) stage.simulator.change()
  await stage.caughtUp(120_000)
  expect(await second.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})
