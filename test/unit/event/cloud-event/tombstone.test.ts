import { expect, test } from 'vitest'
import { eventSource } from '../../../../connector/event/client-event.ts'
import { sequenceOf } from '../../../../connector/event/cloud-event/stored-event.ts'
import { removalRecords } from '../../../../connector/event/cloud-event/tombstone.ts'

const source = eventSource('shop', 'clients')
const removal = { source, clientId: '42', previous: 6, sequence: 7, timeMs: Date.parse('2026-06-15T10:00:00Z') }
const idOf = (more: Partial<typeof removal> = {}) =>
  JSON.parse(String(removalRecords({ ...removal, ...more }, 'event')[0]?.value)).id

test('a removal is a CloudEvent 1.0 in structured JSON, without data', () => {
  const [event] = removalRecords(removal, 'event')
  expect(event).toMatchObject({ to: 'events', key: '42' })
  expect(JSON.parse(String(event?.value))).toEqual({
    specversion: '1.0',
    type: 'client.removed',
    source,
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    time: '2026-06-15T10:00:00.000Z',
    subject: '42',
    sequence: '00000000000000000007',
    partitionkey: '42',
  })
})

test('Invariant 7: the id depends on the client and its previous event only', () => {
  expect(idOf({ sequence: 9, timeMs: 0 })).toBe(idOf())
  expect(new Set([idOf(), idOf({ previous: 5 }), idOf({ clientId: '43' })]).size).toBe(3)
})

test('a tombstone follows with a number and an id of its own', () => {
  const records = removalRecords(removal, 'event and tombstone')
  expect(records.map((record) => sequenceOf(record, source))).toEqual([7, 8])
  expect(records[0]).toEqual(removalRecords(removal, 'event')[0])
  expect(records[1]).toMatchObject({ key: '42', value: null, headers: { ce_type: 'client.removed' } })
  expect(records[1]).not.toMatchObject({ headers: { ce_id: idOf() } })
})
