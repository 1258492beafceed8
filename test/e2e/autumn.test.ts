import { expect, it } from 'vitest'
import type { PolarisSimulator } from '../support/servers/polaris-simulator.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const MINUTE_MS = 60_000

/** Summer time ends in Paris at 01:00 UTC: 03:00 becomes 02:00. */
const AUTUMN = Date.UTC(2026, 9, 25, 1)

/** A simulator whose time is told by the test; it stands still between two words, but for the few milliseconds of real time. */
function clockOf(simulator: PolarisSimulator): (at: number) => void {
  return (at) => {
    const real = Date.now()
    simulator.setClock(() => at + (Date.now() - real))
  }
}

const minutes = [-70, -40, -12, -2, 1, 8, 25, 48, 58, 63, 75, 130, 190]

it.each(['overlap', 'checkpoint'])(
  'the autumn clock change loses and doubles nothing, while running (tail: %s)',
  async (tail) => {
    const { simulator, start, caughtUp, records } = await scene({
      source: { clients: 60, now: () => AUTUMN - 3 * 60 * MINUTE_MS },
      environment: { POLL_TAIL: tail },
    })
    const setClock = clockOf(simulator)
    setClock(AUTUMN - 100 * MINUTE_MS)
    const connector = start()
    await caughtUp()
    for (const minute of minutes) {
      setClock(AUTUMN + minute * MINUTE_MS)
      for (let change = 0; change < 4; change += 1) simulator.change()
      await caughtUp()
    }
    expect(await connector.stop()).toBe(0)
    expectExactlyOnce({ simulator }, await records())
  },
)

it.each(['overlap', 'checkpoint'])(
  'the autumn clock change loses nothing when the connector was off for all or a part of it (tail: %s)',
  async (tail) => {
    const { simulator, start, caughtUp, records } = await scene({
      source: { clients: 60, now: () => AUTUMN - 3 * 60 * MINUTE_MS },
      environment: { POLL_TAIL: tail },
    })
    const setClock = clockOf(simulator)
    for (const offs of [[-90], [-50, -20, 10], [20, 40], [55, 59, 61], [100]]) {
      for (const minute of offs) {
        setClock(AUTUMN + minute * MINUTE_MS)
        for (let change = 0; change < 4; change += 1) simulator.change()
      }
      const connector = start()
      await caughtUp()
      expect(await connector.stop()).toBe(0)
    }
    expectExactlyOnce({ simulator }, await records())
  },
)
