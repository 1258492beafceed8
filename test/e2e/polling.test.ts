import { expect, it } from 'vitest'
import type { LogLine } from '../support/connector-process.ts'
import { expectExactlyOnce, expectNumbered, scene } from '../support/stream-scene.ts'

const MINUTE_MS = 60_000
const says = (msg: string) => (line: LogLine) => line.msg === msg

it.each([true, false])(
  'a client that changes A → B → A within the window keeps its last change (modification time shown: %s)',
  async (shown) => {
    const { simulator, start, caughtUp } = await scene({ source: { clients: 50, hasModificationTime: shown } })
    const first = start()
    await caughtUp()
    const ids = simulator.clientIds.slice(0, 10)
    for (const id of ids) simulator.change(id)
    await caughtUp()
    for (const id of ids) simulator.change(id, { like: 1 })
    await caughtUp()
    expect(await first.stop()).toBe(0)
    for (const id of ids) simulator.change(id, { like: 2 })
    const second = start()
    await caughtUp()
    for (const id of ids) simulator.change(id, { like: 1 })
    const records = await caughtUp()
    expect(await second.stop()).toBe(0)
    expectExactlyOnce({ simulator }, records)
    for (const id of ids) {
      const versions = records
        .filter(({ key }) => key === id)
        .map(({ value }) => (value as { data: { NoVersion: string } }).data.NoVersion)
      expect(versions).toEqual(['1', '2', '1', '2', '1'])
    }
  },
)

it('tokens that expire deep in a drain double nothing where the modification time is mapped', async () => {
  const hour = 60 * MINUTE_MS
  const { simulator, start, caughtUp, records } = await scene({
    source: {
      clients: 1200,
      modifiedBetween: [Date.now() - 10 * hour, Date.now() - hour],
      tokens: { expireAfterPages: 12 },
    },
  })
  const connector = start()
  await caughtUp()
  expect(connector.lines().filter(says('the server refused its checkPoint: reading again')).length).toBeGreaterThan(3)
  simulator.setTokens({ expireAfterPages: Number.POSITIVE_INFINITY })
  for (let change = 0; change < 20; change += 1) simulator.change()
  await caughtUp()
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})

it.each([400, 500, 'error-document'] as const)(
  'tokens that expire deep in a drain double no more than what is beyond the window, when no modification time shows (refused by %s)',
  async (refusal) => {
    const windowSize = 300
    const clients = 1000
    const yaml = `streams: [{ poll: { windowSize: ${windowSize} }, polaris: { retry: { retries: 1, firstPause: 10ms } } }]`
    const { simulator, start, caughtUp, records } = await scene({
      yaml,
      source: { clients, hasModificationTime: false, tokens: { refusal } },
    })
    const calls: number[] = []
    const stopWatching = simulator.faults.when(
      ({ ofFunction }) => {
        if (ofFunction === 30) simulator.expireTokens()
        calls.push(ofFunction)
        return false
      },
      () => {
        throw new Error('never')
      },
    )
    const connector = start()
    await caughtUp()
    await connector.line(says('the server refused its checkPoint: reading again'))
    await connector.line(says('caught up'))
    stopWatching()
    expect(await connector.stop()).toBe(0)
    const all = await records()
    expectNumbered(all)
    const readBefore = 29 * 20
    expect(all.length - clients).toBeGreaterThan(0)
    expect(all.length - clients).toBeLessThanOrEqual(readBefore - windowSize)
    expect(new Set(all.map(({ key }) => key)).size).toBe(clients)
  },
)

it('a change that becomes visible late, but within the overlap, is published; how late is a metric and a warning', async () => {
  const { simulator, start, caughtUp, records, name } = await scene({ source: { clients: 30 } })
  const connector = start()
  await caughtUp()
  const [one = '', another = ''] = simulator.clientIds
  await connector.line(says('caught up'))
  simulator.change(one, { at: Date.now() - MINUTE_MS })
  await caughtUp()
  expect(connector.lines().some(({ msg }) => msg.startsWith('changes become visible late'))).toBe(false)
  simulator.change(another, { at: Date.now() - 4 * MINUTE_MS })
  await caughtUp()
  expect(await connector.line(({ msg }) => msg.startsWith('changes become visible late'))).toMatchObject({
    level: 'warn',
  })
  const { body } = await connector.get('/metrics')
  const told = new RegExp(
    `^polaris_connector_last_lateness_seconds{stream="clients",connector="${name}"} (.*)$`,
    'm',
  ).exec(body)
  expect(Number(told?.[1])).toBeGreaterThan(235)
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})
