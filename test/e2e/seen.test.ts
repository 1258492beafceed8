import { expect, it } from 'vitest'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

it('shows the progress of the history and the size of the client index, and marks the events that follow it', async () => {
  const { simulator, start, caughtUp } = await scene({ source: { clients: 2000 } })
  const connector = start()
  const report = await connector.status((status) => {
    const { scans } = status as { scans?: readonly { clients: number }[] }
    return (scans?.[0]?.clients ?? 0) >= 100
  })
  expect(report).toMatchObject({
    history: 'first',
    scans: [{ lane: 'history', from: '2000-01-01T00:00:00', reached: expect.any(String) }],
    indexClients: expect.any(Number),
  })
  await caughtUp()
  const done = await connector.line(({ msg }) => msg === 'history done')
  expect(done).toMatchObject({ level: 'info', clients: 2000 })
  const isIndexed = async () =>
    /^polaris_connector_index_clients{.*} 2000$/m.test((await connector.get('/metrics')).body)
  await expect.poll(isIndexed).toBe(true)
  simulator.change()
  const records = await caughtUp()
  expectExactlyOnce({ simulator }, records)
  const marked = records.filter(({ headers }) => headers.ce_historycomplete === 'true')
  expect(marked.map(({ key }) => key)).toEqual([simulator.changes.at(-1)?.clientId])
  expect(await connector.stop()).toBe(0)
})
