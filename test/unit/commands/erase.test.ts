import { expect, test } from 'vitest'
import { absentIn } from '../../../connector/commands/erase.ts'
import type { StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import type { ReadEvents } from '../../../connector/publish/event-reading.ts'
import { never } from '../../support/signals.ts'

const topicOf =
  (records: readonly Omit<StoredEvent, 'headers'>[]): ReadEvents =>
  async ({ find, onVisible }) => {
    for (const [at, { key, value }] of records.entries()) {
      const found = find({ key, value, headers: {} }, { partition: 0, offset: BigInt(at), key, timeMs: 0 })
      if (found !== undefined) onVisible(found)
    }
  }

test('names each id of which the topic has only tombstones, and takes no id for a similar one', async () => {
  const topic = topicOf([
    { key: '7', value: '{}' },
    { key: '7', value: null },
    { key: '8', value: null },
    { key: null, value: '{}' },
  ])
  expect(await absentIn(topic, ['7', '07', '7 ', '8', 'x'], never)).toEqual(['07', '7 ', '8', 'x'])
})
