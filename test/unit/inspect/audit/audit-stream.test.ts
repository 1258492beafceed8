import { expect, test } from 'vitest'
import type { RecordPlace, StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { tombstones } from '../../../../connector/event/cloud-event/tombstone.ts'
import { type AuditOptions, type AuditProgress, auditStream } from '../../../../connector/inspect/audit/audit-stream.ts'
import { countDiffering } from '../../../../connector/inspect/audit/compare.ts'
import type { ReadEvents } from '../../../../connector/publish/event-reading.ts'
import type { ClientRecord, ClientSource } from '../../../../connector/source/client-source.ts'
import { driven } from '../../../support/driven.ts'
import { fakePolaris } from '../../../support/fakes/fake-client-source.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noon } from '../../pipeline/readings.ts'
import { stage } from '../../stream/open/open-parts.ts'

/** A stream of ten clients on fakes, and its audit. Pages have two clients. */
function auditedStream() {
  const clock = virtualClock(noon)
  const polaris = fakePolaris({ now: clock.now, timeZone: 'Europe/Paris', modificationTime: 'hidden' })
  for (let client = 1; client <= 10; client += 1) polaris.change(`c${client}`)
  const deleted = new Set<unknown>()
  const edited = new Map<unknown, Readonly<Record<string, string>>>()
  const source = (replica: string): ClientSource => {
    const { read } = polaris.source(replica)
    return {
      read: async (...request) => {
        const page = await read(...request)
        const left = page.clients.filter(({ No }) => !deleted.has(No))
        return { ...page, clients: left.map((client): ClientRecord => ({ ...client, ...edited.get(client.No) })) }
      },
    }
  }
  const on = stage({ clock, until: 'caught-up', source: source('replica') })
  const eventSource = '/polaris/shop/clients'
  const appended: StoredEvent[] = []
  const readEvents: ReadEvents = async ({ of = 'events', find, onVisible, onProgress }) => {
    const published = on.kafka.committed.filter(({ to }) => to === of).map((record) => ({ record, timeMs: record.at }))
    const others = appended.map((record) => ({ record, timeMs: clock.now() }))
    const all: readonly { record: StoredEvent; timeMs: number }[] =
      of === 'events' ? [...published, ...others] : published
    for (const [at, { record, timeMs }] of all.entries()) {
      const place: RecordPlace = { partition: 0, offset: BigInt(at), key: record.key, timeMs }
      const found = find(record, place)
      if (found !== undefined) onVisible(found)
    }
    onProgress(1)
  }
  const steps: AuditProgress['step'][] = []
  return {
    ...{ ...on, polaris, deleted, edited, appended, eventSource, steps },
    /** Reads everything that is due, as a new replica. */
    poll: async () => expect(await driven(clock, runAlone(on.streamParts, never))).toEqual({ kind: 'caught-up' }),
    audit: async ({ onProgress = () => {}, client }: Partial<AuditOptions> = {}) => {
      const observed = (progress: AuditProgress) => {
        if (steps.at(-1) !== progress.step) steps.push(progress.step)
        onProgress(progress)
      }
      const parts = {
        source: { reader: { ...on.pipeline.reader, source: source('audit') }, rules: on.pipeline.group.rules },
        topic: { readEvents, eventSource, ignored: new Set<string>(), isShared: false },
        clock,
      }
      return await driven(clock, auditStream(parts, { client, onProgress: observed }, never))
    },
  }
}

const nothing = { ids: { missing: [], different: [], gone: [] }, withoutId: 0 }

test('finds the same clients in source and topic, reads the source once, and changes nothing', async () => {
  const { poll, audit, steps, store, kafka } = auditedStream()
  await poll()
  const before = [...store.history('shop/clients.json')]
  const { differing, clients } = await audit()
  expect(differing).toEqual(nothing)
  expect(clients).toEqual({ source: 10, topic: 10, deadLetters: 0 })
  expect(steps).toEqual(['source', 'topic'])
  expect(store.history('shop/clients.json')).toEqual(before)
  expect(kafka.committed).toHaveLength(10)
})

test('finds missing, different and gone clients, which a second reading confirms', async () => {
  const { poll, audit, polaris, deleted, appended, eventSource, steps } = auditedStream()
  await poll()
  polaris.change('c1')
  polaris.change('new')
  deleted.add('c2').add('c4')
  const erased = { type: 'client.erased', source: eventSource, id: 'e', timeMs: 0 } as const
  for (const clientId of ['c3', 'c4']) appended.push(...tombstones({ ...erased, clientId }, 1))
  appended.push({ key: 'c5', value: 'another program', headers: {} }, { key: 'c6', value: null, headers: {} })
  const { differing, clients } = await audit()
  const missing = expect.arrayContaining(['new', 'c3', 'c6'])
  expect(differing).toEqual({
    ...{ withoutId: 0, ids: { missing, different: expect.arrayContaining(['c1', 'c5']), gone: ['c2'] } },
  })
  expect(countDiffering(differing)).toBe(6)
  expect(clients).toEqual({ source: 9, topic: 7, deadLetters: 0 })
  expect(steps).toEqual(['source', 'topic', 'source again'])
})

test('does not count clients that change meanwhile', async () => {
  const { poll, audit, polaris, deleted } = auditedStream()
  await poll()
  deleted.add('c2')
  const { differing } = await audit({
    onProgress: ({ step }) => {
      if (step !== 'topic') return
      deleted.clear()
      deleted.add('c3')
      polaris.change('c1')
    },
  })
  expect(differing).toEqual(nothing)
})

test('dead letters agree, with and without an id; other clients without an id are missing', async () => {
  const { poll, audit, edited, kafka } = auditedStream()
  edited.set('c1', { No: '' })
  edited.set('c2', { Contenu: 'x'.repeat(1_000_001) })
  await poll()
  expect(kafka.committed.filter(({ to }) => to === 'deadLetters')).toHaveLength(2)
  const { differing, clients } = await audit()
  expect(differing).toEqual(nothing)
  expect(clients).toEqual({ source: 9, topic: 8, deadLetters: 1 })
  edited.set('c3', { No: '', Contenu: 'other' })
  expect((await audit()).differing).toEqual({ ids: { ...nothing.ids, gone: ['c3'] }, withoutId: 1 })
})

test('says where one client is, and when nothing is left of it', async () => {
  const { poll, audit, deleted, appended, eventSource } = auditedStream()
  await poll()
  const present = await audit({ client: 'c1' })
  expect(present.client).toMatchObject({
    isInSource: true,
    records: [{ kind: 'event', timeMs: noon }],
    deadLetters: [],
  })
  expect(present).toMatchObject({ differing: nothing, clients: { source: 1, topic: 1 } })

  deleted.add('c1')
  const gone = await audit({ client: 'c1' })
  expect(gone).toMatchObject({ client: { isInSource: false }, differing: { ids: { gone: ['c1'] } } })
  const erasure = { type: 'client.erased', id: 'e', timeMs: 0 } as const
  appended.push(...tombstones({ ...erasure, source: eventSource, clientId: 'c1' }, 1))
  const erased = await audit({ client: 'c1' })
  expect(erased).toMatchObject({ differing: nothing, client: { isInSource: false } })
  expect(erased.client.records.map(({ kind }) => kind).toSorted()).toEqual(['event', 'tombstone'])

  expect((await audit({ client: 'unknown' })).client).toEqual({ isInSource: false, records: [], deadLetters: [] })
})
