import { expect, it } from 'vitest'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const MINUTE_MS = 60_000
/** End of summer time in Paris: at 01:00 UTC, 03:00 becomes 02:00. */
const AUTUMN = Date.UTC(2026, 9, 25, 1)

it('loses and duplicates nothing when the clocks change in autumn, running or stopped', async () => {
  const { simulator, start, caughtUp, records } = await scene({
    source: { clients: 60, now: () => AUTUMN - 3 * 60 * MINUTE_MS },
  })
  /** Sets the simulator's clock, which then advances in real time, and changes some clients. */
  const changeAt = (minute: number) => {
    const real = Date.now()
    simulator.setClock(() => AUTUMN + minute * MINUTE_MS + (Date.now() - real))
    for (let change = 0; change < 4; change += 1) simulator.change()
  }
  let connector = start()
  await caughtUp()
  for (const minute of [-70, -12, -1, 1, 25, 58]) {
    changeAt(minute)
    await caughtUp()
  }
  for (const minutes of [[-50, 10], [40, 59, 61], [100]]) {
    expect(await connector.stop()).toBe(0)
    for (const minute of minutes) changeAt(minute)
    connector = start()
    await caughtUp()
  }
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})
