import { expect, inject, it } from 'vitest'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'
import { openTopic, type TopicRecord } from '../support/topic-reader.ts'

const CLIENTS = 300_000
const LONG_MS = 240_000

it('publishes no extra event when 300,000 clients change in the same second and are read again', async () => {
  const { simulator, start, name } = await scene({
    source: { clients: CLIENTS, modifiedBetween: [Date.UTC(2000, 0), Date.UTC(2009, 0)] },
    environment: { POLARIS_LIMIT: '1000', POLARIS_OUTPUT: 'json', POLARIS_LAST_CHANGED: '2010-01-01' },
  })
  const connector = start()
  await connector.status(({ progress }) => progress === 'caught up')
  simulator.massUpdate(CLIENTS)
  await connector.status(({ totals }) => totals?.events === CLIENTS, { withinMs: LONG_MS })
  for (const id of simulator.clientIds.slice(0, 100)) simulator.change(id)
  await connector.status(({ totals }) => (totals?.suppressed ?? 0) >= CLIENTS, { withinMs: LONG_MS })
  await connector.status(({ totals }) => (totals?.events ?? 0) >= CLIENTS + 100)
  expect(await connector.stop()).toBe(0)
  const records = await smallRecords(name)
  expect(records).toHaveLength(CLIENTS + 100)
  expectExactlyOnce({ simulator }, records)
}, 600_000)

/** The records of a topic, with only what is compared: all of them would need gigabytes. */
async function smallRecords(topic: string): Promise<TopicRecord[]> {
  const brokers = inject('kafkaBrokers').split(',')
  const reader = await openTopic({ kafka: { brokers }, topic, from: 'beginning' })
  const records: TopicRecord[] = []
  try {
    while (!reader.isPastStart()) for (const record of await reader.poll()) records.push(small(record))
  } finally {
    await reader.close()
  }
  return records
}

function small(record: TopicRecord): TopicRecord {
  const { sequence, data } = record.value as { sequence: string; data: { NoVersion: string } }
  return { ...record, value: { sequence, data: { NoVersion: data.NoVersion } }, text: '' }
}
