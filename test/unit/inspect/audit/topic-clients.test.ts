import { describe, expect, test } from 'vitest'
import { clientEvent } from '../../../../connector/event/cloud-event/event-form.ts'
import type { RecordPlace, StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { removalRecords, tombstone } from '../../../../connector/event/cloud-event/tombstone.ts'
import { rulesText } from '../../../../connector/index/client-index.ts'
import { clientKey, UNKNOWN_CONTENT } from '../../../../connector/index/index-entry.ts'
import { isForeign, isTombstone, readTopicClients } from '../../../../connector/inspect/audit/topic-clients.ts'
import type { EventPublisher } from '../../../../connector/publish/event-publisher.ts'
import { eventForm, readEvent } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'
import { connector, stage, stream } from '../../stream/open/open-parts.ts'

const source = `/polaris/${connector}/${stream}`

function event(clientId: string, sequence: number, more: Record<string, unknown> = {}): StoredEvent {
  const json = JSON.stringify({ No: clientId, Contenu: `v${sequence}` })
  const parts = { clientId, json, contentHash: 'h', previous: 'g0', timeMs: 0, sequence }
  const { record } = clientEvent(parts, eventForm({ source }))
  return { ...record, value: JSON.stringify({ ...JSON.parse(record.value), ...more }) }
}

const foreignTombstone = (key: string): StoredEvent => ({ key, value: null, headers: {} })
const ownTombstone = (clientId: string, sequence: number): StoredEvent =>
  tombstone({ type: 'client.erased', source, clientId, previous: '1', sequence, timeMs: 0 })

type Placed = StoredEvent & { readonly place?: Partial<RecordPlace> }
const placed = (record: StoredEvent, place: Partial<RecordPlace>): Placed => ({ ...record, place })

/**
 * What a topic says of the client `c`. The records are visible in this order; by default, each is in partition 0 after
 * the one before.
 */
async function read(...records: readonly Placed[]) {
  const { open } = stage()
  const publisher: EventPublisher = {
    ...open.publisher,
    readEvents: async ({ find, onVisible }) => {
      for (const [index, record] of records.entries()) {
        const place = { partition: 0, offset: BigInt(index), key: record.key, ...record.place }
        const found = find(record, place)
        if (found !== undefined) onVisible(found)
      }
      return new Map()
    },
  }
  const ids: string[] = []
  const otherSources = ['/polaris/shop/twin']
  const reading = {
    indexRules: rules,
    otherSources,
    onProgress: () => {},
    onClient: (_: unknown, id: string) => ids.push(id),
  }
  const topic = await readTopicClients({ ...open, publisher }, reading, never)
  const entry = topic.table.get(clientKey('c'))
  const found = entry && { number: entry.number, isTombstone: isTombstone(entry), rules: topic.rules[entry.rules] }
  return { ...topic, entry, found, ids, isForeign: entry !== undefined && isForeign(entry) }
}

const rules = rulesText({ ignored: [], limits: '' })

describe('the clients of a topic', () => {
  test('have the number and the content of their newest event', async () => {
    const { found, entry, clients, ids } = await read(event('c', 1), event('d', 2), event('c', 3))
    expect(found).toEqual({ number: 3, isTombstone: false, rules })
    expect(entry?.content).not.toBe(UNKNOWN_CONTENT)
    expect(clients).toBe(2)
    expect(ids).toEqual(['c', 'd', 'c'])
  })

  test('keep the event with the higher number, where the topic got more partitions', async () => {
    for (const records of [
      [placed(event('c', 3), { partition: 0 }), placed(event('c', 1), { partition: 1 })],
      [placed(event('c', 1), { partition: 1 }), placed(event('c', 3), { partition: 0 })],
    ])
      expect((await read(...records)).found?.number).toBe(3)
  })

  test('have the last record of a partition, also if it is a copy of an older event', async () => {
    const copy = event('c', 1)
    expect((await read(event('c', 1), event('c', 3), copy)).found?.number).toBe(1)
    expect((await read(event('c', 1), ownTombstone('c', 3), copy)).found).toEqual({
      number: 1,
      isTombstone: false,
      rules,
    })
    const visibleLater = placed(event('c', 3), { offset: 0n })
    expect((await read(placed(copy, { offset: 2n ** 40n }), visibleLater)).found?.number).toBe(1)
  })

  test.each<[string, Placed]>([
    ['of another source', event('c', 9, { source: '/polaris/shop/others' })],
    ['that is no JSON', placed(readEvent('no event'), { key: 'c' })],
    ['of another program', placed({ key: 'c', value: '{"other":"program"}', headers: {} }, {})],
    ['of another client, under its key', placed(event('d', 9), { key: 'c' })],
  ])('have a foreign record %s, if it is the last one', async (_, record) => {
    expect(await read(event('c', 1), record)).toMatchObject({ isForeign: true, clients: 0 })
    expect(await read(record, event('c', 1))).toMatchObject({ isForeign: false, clients: 1 })
    expect(await read(record, placed(event('c', 1), { partition: 1 }))).toMatchObject({ isForeign: true, clients: 0 })
  })

  test('have no record of another stream that shares the topic, nor one without a key', async () => {
    const twin = event('c', 9, { source: '/polaris/shop/twin' })
    expect((await read(event('c', 1), twin, readEvent('no event'))).found?.number).toBe(1)
  })

  test('have the rules of their events', async () => {
    const { found } = await read(event('c', 1, { fieldrules: 'mail=hmac', hmackeyid: 'k' }))
    expect(found?.rules).toBe(rulesText({ ignored: [], fields: 'mail=hmac', hmacKeyId: 'k', limits: '' }))
  })

  test.each([
    ['of the connector', [event('c', 1), ownTombstone('c', 2)], { number: 2, isTombstone: true, rules }],
    [
      'of a removal, or the event before it',
      [event('c', 1), ...removalRecords({ source, clientId: 'c', previous: 1, sequence: 2, timeMs: 0 }, 'event')],
      { number: 2, isTombstone: true, rules },
    ],
    ['of another producer', [event('c', 1), foreignTombstone('c')], { number: 0, isTombstone: true, rules }],
    [
      'of the connector, read before an older event of another partition',
      [ownTombstone('c', 2), placed(event('c', 1), { partition: 1 })],
      { number: 2, isTombstone: true, rules },
    ],
    [
      'that a newer event follows',
      [event('c', 1), ownTombstone('c', 2), event('c', 3)],
      { number: 3, isTombstone: false, rules },
    ],
    [
      'of another producer that an event follows',
      [foreignTombstone('c'), event('c', 1)],
      { number: 1, isTombstone: false, rules },
    ],
    ['of another producer without an event', [foreignTombstone('c')], { number: 0, isTombstone: true, rules }],
  ] as const)('show a tombstone %s', async (_, records, expected) => {
    const { found, clients } = await read(...records)
    expect(found).toEqual(expected)
    expect(clients).toBe(expected?.isTombstone === false ? 1 : 0)
  })
})
