import { describe, expect, test } from 'vitest'
import { isTombstone, readTopicClients } from '../../../connector/audit/topic-clients.ts'
import { clientEvent, type StoredEvent } from '../../../connector/event/client-event.ts'
import { removalRecords } from '../../../connector/event/removal-records.ts'
import { tombstone } from '../../../connector/event/tombstone.ts'
import { rulesText } from '../../../connector/index/client-index.ts'
import { clientKey, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import type { EventPublisher } from '../../../connector/publish/event-publisher.ts'
import { connector, stage, stream } from '../stream/open-parts.ts'
import { never } from './audited-stream.ts'

const source = `/polaris/${connector}/${stream}`

function event(clientId: string, sequence: number, more: Record<string, unknown> = {}): StoredEvent {
  const json = JSON.stringify({ No: clientId, Contenu: `v${sequence}` })
  const parts = { source, clientId, json, contentHash: 'h', previous: 'g0', timeMs: 0, sequence }
  const text = clientEvent({ ...parts, dataSchema: 'urn:polaris-connector:client.modified:1' })
  return { value: JSON.stringify({ ...JSON.parse(text), ...more }) }
}

const foreignTombstone = (key: string): StoredEvent => ({ key, value: null, headers: {} })
const ownTombstone = (clientId: string, sequence: number): StoredEvent =>
  tombstone({ type: 'client.erased', source, clientId, previous: '1', sequence, timeMs: 0 })

/** What a topic with these records says of the client `c`. */
async function read(...records: readonly StoredEvent[]) {
  const { open } = stage()
  const publisher: EventPublisher = {
    ...open.publisher,
    readEvents: async ({ find, onVisible }) => {
      for (const found of records.map(find)) if (found !== undefined) onVisible(found)
      return new Map()
    },
  }
  const ids: string[] = []
  const reading = { indexRules: rules, onProgress: () => {}, onClient: (_: unknown, id: string) => ids.push(id) }
  const topic = await readTopicClients({ ...open, publisher }, reading, never)
  const entry = topic.table.get(clientKey('c'))
  const found = entry && { number: entry.number, isTombstone: isTombstone(entry), rules: topic.rules[entry.rules] }
  return { ...topic, entry, found, ids }
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
    expect((await read(event('c', 3), event('c', 1))).found?.number).toBe(3)
  })

  test('are those of the stream only', async () => {
    const other = event('c', 9, { source: '/polaris/shop/others' })
    expect((await read(event('c', 1), other, { value: 'no event' })).found?.number).toBe(1)
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
    ['of another producer', [event('c', 1), foreignTombstone('c')], { number: 1, isTombstone: true, rules }],
    [
      'of the connector, read before an older event',
      [ownTombstone('c', 2), event('c', 1)],
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
    ['of another producer without an event', [foreignTombstone('c')], undefined],
  ] as const)('show a tombstone %s', async (_, records, expected) => {
    const { found, clients } = await read(...records)
    expect(found).toEqual(expected)
    expect(clients).toBe(expected?.isTombstone === false ? 1 : 0)
  })
})
