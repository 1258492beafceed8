import { expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../../../connector/event/canonical-json.ts'
import { tombstones } from '../../../../connector/event/cloud-event/event-form.ts'
import type { RecordPlace, StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { auditStream } from '../../../../connector/inspect/audit/audit-stream.ts'
import type { ReadEvents } from '../../../../connector/publish/event-reading.ts'
import type { ClientRecord, ClientSource } from '../../../../connector/source/client-source.ts'
import { simulatedPolaris } from '../../../simulation/simulated-polaris.ts'
import { mustFit } from '../../../support/documentation/output-schema.ts'
import { driven } from '../../../support/driven.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noon } from '../../pipeline/readings.ts'
import { stage } from '../../stream/open/open-parts.ts'

/** A stream of ten clients on fakes, and its audit. Pages have two clients. */
function auditedStream() {
  const clock = virtualClock(noon)
  const polaris = simulatedPolaris({
    scans: 'current',
    order: 'oldest first',
    modificationTime: 'hidden',
    timeZone: 'Europe/Paris',
    now: clock.now,
    date: clock.now,
    records: () => 0,
    fault: async () => 'none',
  })
  for (let client = 1; client <= 10; client += 1) polaris.change({ clientId: `c${client}`, content: 'v', lateMs: 0 })
  const deleted = new Set<unknown>()
  const edited = new Map<unknown, Readonly<Record<string, string>>>()
  const source = (replica: string): ClientSource => {
    const { read } = polaris.source(replica)
    return {
      read: async (...request) => {
        const page = await read(...request)
        const left = page.clients.filter(({ No }) => !deleted.has(No))
        return {
          ...page,
          clients: left.map(({ No = '', Contenu = '' }): ClientRecord => ({ No, Contenu, ...edited.get(No) })),
        }
      },
    }
  }
  const on = stage({ clock, endsWhen: 'caught-up', source: source('replica') })
  const eventSource = '/polaris/shop/clients'
  const appended: StoredEvent[] = []
  const readEvents: ReadEvents = async ({ of = 'events', find, onVisible }) => {
    const published = on.kafka.committed
      .filter(({ target }) => target === of)
      .map((record) => ({ record, timeMs: record.at }))
    const others = appended.map((record) => ({ record, timeMs: clock.now() }))
    const all: readonly { record: StoredEvent; timeMs: number }[] =
      of === 'events' ? [...published, ...others] : published
    for (const [at, { record, timeMs }] of all.entries()) {
      const place: RecordPlace = { partition: 0, offset: BigInt(at), key: record.key, timeMs }
      const found = find(record, place)
      if (found !== undefined) onVisible(found)
    }
  }
  return {
    ...on,
    deleted,
    edited,
    appended,
    eventSource,
    /** Deletes the dead letters, as their topic does after some time. Returns how many there were. */
    expireDeadLetters: () => {
      const { committed } = on.kafka
      const left = committed.filter(({ target }) => target !== 'deadLetters')
      return committed.splice(0, committed.length, ...left).length - left.length
    },
    /** Reads everything that is due, as a new replica. */
    poll: async () => expect(await driven(clock, runAlone(on.streamParts, never))).toEqual({ kind: 'caught-up' }),
    audit: async (client?: string, isShared = false) => {
      const parts = {
        reader: { ...on.pipelineParts.readerParts, source: source('audit') },
        settings: on.pipelineParts.groupParts.settings,
        topic: { readEvents, eventSource, ignored: new Set<string>(), isShared },
        names: { events: 'clients', deadLetters: 'clients.dlq' },
        clock,
      }
      const audited = await driven(clock, auditStream(parts, client, never))
      mustFit('audit', JSON.stringify({ stream: 'clients', ...audited.report }))
      return audited
    },
  }
}

test('dead letters agree, with and without an id, also once the topic has lost them', async () => {
  const { poll, audit, edited, expireDeadLetters } = auditedStream()
  edited.set('c1', { No: '' })
  edited.set('c2', { Contenu: 'x'.repeat(1_000_001) })
  await poll()
  const { report } = await audit()
  expect(report).toMatchObject({ agree: true, clients: { source: 10, topic: 8, deadLetters: 2 } })
  expect(expireDeadLetters()).toBe(2)
  expect((await audit()).report).toMatchObject({ agree: true, clients: { deadLetters: 2 } })
})

test('a dead letter with the same content excuses no client that could be an event', async () => {
  const { poll, audit, edited, kafka } = auditedStream()
  await poll()
  edited.set('c1', { No: 'new', Contenu: 'z' })
  const contentHash = sha256(canonicalJson({ Contenu: 'z', No: 'new' }))
  const [last = expect.fail()] = kafka.committed.slice(-1)
  kafka.committed.push({ ...last, target: 'deadLetters', key: null, value: JSON.stringify({ contentHash }) })
  expect((await audit()).report.differences).toEqual({ missing: 1, different: 0, gone: 1 })
})

test('counts the clients whose last record another stream has written apart, without a difference', async () => {
  const { poll, audit, deleted, appended } = auditedStream()
  await poll()
  for (const key of ['c1', 'c2', 'of no client here']) appended.push({ key, value: '{}', headers: {} })
  deleted.add('c2')
  const clients = { source: 9, topic: 8, otherStreams: 1, deadLetters: 0 }
  expect((await audit(undefined, true)).report).toMatchObject({ agree: true, clients })
  expect((await audit()).report.differences).toEqual({ missing: 0, different: 1, gone: 2 })
})

test('counts the ids that differ only in white space or case, in the source and in the topic', async () => {
  const { poll, audit, edited, deleted, appended } = auditedStream()
  edited.set('c1', { No: 'Dupont  7' })
  edited.set('c2', { No: ' dupont7' })
  await poll()
  deleted.add('c3') // its event stays in the topic
  edited.set('c4', { No: 'C3' })
  appended.push({ key: 'C5', value: null, headers: {} })
  const { report, ids } = await audit()
  expect([report.clients, ids.similar]).toMatchObject([{ similarIds: 2 }, ['Dupont  7', ' dupont7', 'C3', 'c3']])
  expect((await audit('C3')).report.clients.similarIds).toBeUndefined()
})

test('says where one client is, and when nothing is left of it', async () => {
  const { poll, audit, deleted, appended, eventSource } = auditedStream()
  await poll()
  const of = async (client: string) => (await audit(client)).report
  const record = { topic: 'clients', partition: 0, kind: 'event', time: new Date(noon).toISOString() }
  expect(await of('c1')).toMatchObject({
    agree: true,
    clients: { source: 1, topic: 1 },
    client: { isNothingLeft: false, isInSource: true, records: [{ ...record, offset: expect.any(String) }] },
  })

  deleted.add('c1')
  expect(await of('c1')).toMatchObject({ client: { isInSource: false }, differences: { gone: 1 } })
  appended.push(...tombstones({ type: 'client.erased', id: 'e', timeMs: 0, source: eventSource, clientId: 'c1' }, [0]))
  const erased = await of('c1')
  expect(erased).toMatchObject({ agree: true, client: { isInSource: false, isNothingLeft: false } })
  expect(erased.client?.records.map(({ kind }) => kind).toSorted()).toEqual(['event', 'tombstone'])

  const proof = 'nothing is left in the source, the topic and the dead letters'
  expect((await of('unknown')).client).toEqual({ isNothingLeft: true, proof, isInSource: false, records: [] })
})

test('a dead letter that includes the client, or that cannot be read, is no proof of an erasure', async () => {
  const { audit, kafka, poll } = auditedStream()
  await poll()
  const [last = expect.fail()] = kafka.committed.slice(-1)
  const letter = { ...last, target: 'deadLetters' as const, key: null }
  kafka.committed.push({ ...letter, value: '{"code":"client-id-missing","client":{"Numero":"x1"}}' })
  const of = async (client: string) => (await audit(client)).report.client
  expect(await of('x1')).toMatchObject({ isNothingLeft: false, records: [{ kind: 'dead-letter' }] })
  expect(await of('x2')).toMatchObject({ isNothingLeft: true })
  kafka.committed.push({ ...letter, value: 'no JSON' })
  expect(await of('x2')).toMatchObject({ isNothingLeft: false, proof: undefined, records: [{ kind: 'unreadable' }] })
})

test('names the dead letters of one client', async () => {
  const { poll, audit, edited, deleted } = auditedStream()
  edited.set('c2', { Contenu: 'x'.repeat(1_000_001) })
  await poll()
  deleted.add('c2')
  const { client } = (await audit('c2')).report
  expect(client).toMatchObject({ isNothingLeft: false, isInSource: false })
  expect(client?.records.map(({ topic, kind }) => [topic, kind])).toEqual([['clients.dlq', 'dead-letter']])
})
