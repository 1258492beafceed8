import { expect, it } from 'vitest'
import { says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const HOUR_MS = 3_600_000

// A 5xx counts as a refusal after five turns only, with growing pauses.
it('duplicates nothing when tokens are refused deep in a scan, whether or not clients have a modification time', async () => {
  await Promise.all([publishWhileTokensAreRefused(400, true), publishWhileTokensAreRefused('error-document', false)])
})

async function publishWhileTokensAreRefused(refusal: 400 | 'error-document', shown: boolean): Promise<void> {
  const { simulator, start, caughtUp, records } = await scene({
    times: { polaris: { retry: { firstPauseMs: 10 } } },
    source: {
      clients: 1000,
      hasModificationTime: shown,
      modifiedBetween: [Date.now() - 10 * HOUR_MS, Date.now() - HOUR_MS],
      tokenRefusal: refusal,
    },
  })
  const stopExpiring = simulator.faults.when(
    ({ ofFunction }) => {
      if (ofFunction === 29) simulator.change()
      if (ofFunction === 30) simulator.expireTokens()
      return false
    },
    { name: 'never' },
  )
  const connector = start()
  await caughtUp()
  expect(connector.lines().some(says('server rejected its checkPoint, reading again'))).toBe(true)
  stopExpiring()
  for (let change = 0; change < 20; change += 1) simulator.change()
  await caughtUp()
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
}
