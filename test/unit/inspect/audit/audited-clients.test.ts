import { expect, test } from 'vitest'
import {
  clientEvent,
  type EventMode,
  eventModes,
  tombstones,
} from '../../../../connector/event/cloud-event/event-form.ts'
import type { RecordPlace, StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { comparedContent } from '../../../../connector/event/read-client.ts'
import {
  readDeadLetters,
  readTopicClients,
  type TopicParts,
} from '../../../../connector/inspect/audit/audited-clients.ts'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { eventForm, textOf } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'

// Records are read in a given order, as from one or more partitions.

const eventSource = '/polaris/shop/clients'
const ignored = new Set(['seen'])

const client = (version: number) => ({ No: 'c', Contenu: `v${version}` })
const contentOf = (version: number) => comparedContent(client(version), ignored)

function event(version: number, { source = eventSource, mode = 'structured' as EventMode } = {}): StoredEvent {
  const json = JSON.stringify(client(version))
  const parts = { clientId: 'c', json, contentHash: 'h', previous: 'g0', timeMs: 0, sequence: version, marks: {} }
  return textOf(clientEvent(parts, { ...eventForm({ source }), mode }).record)
}

const erasure = { type: 'client.erased', source: eventSource, clientId: 'c', id: 'e', timeMs: 0 } as const
const bare = (value: string | null): StoredEvent => ({ key: 'c', value, headers: {} })

type Placed = StoredEvent & { readonly at?: Partial<RecordPlace> }

/** By default, each record is in partition 0 after the one before. */
function reading(records: readonly Placed[]): TopicParts['readEvents'] {
  return async ({ find, onVisible }) => {
    for (const [index, record] of records.entries()) {
      const place = { partition: 0, offset: BigInt(index), key: record.key, timeMs: 0, ...record.at }
      const found = find(record, place)
      if (found !== undefined) onVisible(found)
    }
  }
}

async function lastOf(records: readonly Placed[], more: Partial<TopicParts> = {}) {
  const parts = { readEvents: reading(records), eventSource, ignored, isShared: false, ...more }
  const seen: string[] = []
  const onRecord = (id: string, { kind }: { readonly kind: string }) => seen.push(`${id} ${kind}`)
  const topic = await readTopicClients(parts, onRecord, never)
  return { last: topic.last.get('c'), size: topic.last.size, seen, partitions: [...topic.partitionsOf('c')] }
}

test.each(eventModes)('has the content of the last event in %s mode', async (mode) => {
  const { last, seen } = await lastOf([event(1, { mode }), event(2, { mode })])
  expect(last).toMatchObject({ kind: 'event', content: contentOf(2), partition: 0, offset: 1n })
  expect(seen).toEqual(['c event', 'c event'])
})

test('the last record of a key decides, also one of another program', async () => {
  expect((await lastOf([event(1), ...tombstones(erasure, [0])])).last?.kind).toBe('tombstone')
  expect((await lastOf([event(1), bare(null)])).last?.kind).toBe('tombstone')
  expect((await lastOf([event(1), bare('{"No":"c"}')])).last?.kind).toBe('foreign')
  expect((await lastOf([event(1), event(2, { source: '/polaris/shop/other' })])).last?.kind).toBe('foreign')
  expect((await lastOf([bare('?'), event(1), event(2), event(1)])).last?.content).toBe(contentOf(1))
  expect(await lastOf([{ ...bare('no key'), key: null }])).toMatchObject({ size: 0, seen: [] })
})

test('an event of the stream that has no client differs from every client', async () => {
  const broken = { ...event(1), value: '{' }
  expect((await lastOf([event(1), { ...broken, headers: { ...broken.headers } }])).last?.kind).toBe('foreign')
  const withoutData = { ...event(1, { mode: 'binary' }), value: '[]' }
  expect((await lastOf([withoutData])).last).toMatchObject({ kind: 'event', content: comparedContent({}, ignored) })
})

test('with shared keys, the last record may be of another stream, and any tombstone erases', async () => {
  const lastIn = async (...records: StoredEvent[]) => (await lastOf(records, { isShared: true })).last
  const source = '/polaris/shop/other'
  for (const other of [event(2, { source }), bare('{}')])
    expect((await lastIn(event(1), other))?.kind).toBe('other-stream')
  expect(await lastIn(event(2, { source }), event(1))).toMatchObject({ kind: 'event', content: contentOf(1) })
  expect((await lastIn(event(1), ...tombstones({ ...erasure, source }, [0])))?.kind).toBe('tombstone')
})

test('in one partition the offset decides, and the time where the topic got more partitions', async () => {
  const at = (version: number, place: Partial<RecordPlace>) => ({ ...event(version), at: place })
  const late = [at(2, { offset: 5n, timeMs: 1 }), at(1, { offset: 4n, timeMs: 2 })]
  expect((await lastOf(late)).last?.content).toBe(contentOf(2))
  const grown = [at(1, { partition: 0, timeMs: 1 }), at(2, { partition: 1, timeMs: 2 })]
  for (const records of [grown, grown.toReversed()]) expect((await lastOf(records)).last?.content).toBe(contentOf(2))
})

test('a client is in every partition with a record of its key', async () => {
  const at = (partition: number) => ({ ...event(1), at: { partition } })
  expect((await lastOf([])).partitions).toEqual([])
  expect((await lastOf([at(2), at(2)])).partitions).toEqual([2])
  expect((await lastOf([at(2), { ...bare('?'), at: { partition: 0 } }, at(2), at(1)])).partitions).toEqual([2, 0, 1])
})

test('dead letters of a client have its key, or include a client with its id in any field', async () => {
  const letter = (key: string | null, client?: object) => ({
    key,
    headers: {},
    value: JSON.stringify({ code: 'client-id-missing', contentHash: 'h', client }),
  })
  const readEvents = reading([
    letter('c'),
    letter(null),
    letter('d'),
    letter(null, { No: '', Ancien: { Codes: ['x', 'c'] } }),
    letter(null, { Nom: 'cc' }),
    bare('no JSON'),
    { ...bare('no JSON'), key: null },
  ])
  const { ofClient, unreadable } = await readDeadLetters(readEvents, 'c', never)
  expect(ofClient.map(({ offset }) => offset)).toEqual([0n, 3n, 5n])
  expect(unreadable.map(({ offset }) => offset)).toEqual([6n])
})

test('an id is found in a dead letter whose fields are numbers', async () => {
  const value = '{"client":{"No":12345678901234567890}}'
  const found = await readDeadLetters(reading([{ key: null, headers: {}, value }]), '12345678901234567890', never)
  expect(found.ofClient).toHaveLength(1)
})

test('there are no dead letters without their topic; any other failure rejects', async () => {
  const failing = (code: 'publish.topic-missing' | 'publish.failed') => () =>
    Promise.reject(new ConnectorError(code, 'no'))
  const none = await readDeadLetters(failing('publish.topic-missing'), 'c', never)
  expect(none).toEqual({ ofClient: [], unreadable: [] })
  await expect(readDeadLetters(failing('publish.failed'), 'c', never)).rejects.toThrow('no')
})
