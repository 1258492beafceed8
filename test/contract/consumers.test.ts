import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Admin, ConfigResourceTypes } from 'kafkajs'
import { beforeAll, expect, inject, it, vi } from 'vitest'
import type { EventMarks, OutgoingRecord } from '../../connector/event/client-event.ts'
import { clientRecord } from '../../connector/event/client-record.ts'
import { clientReader } from '../../connector/event/read-client.ts'
import { type EventPublisher, type StreamProducer, withoutCheckpoint } from '../../connector/publish/event-publisher.ts'
import { closingAfterAll } from '../support/closing.ts'
import { eventIn } from '../support/cloud-event.ts'
import { testKafka } from '../support/committed-records.ts'
import { createTopics } from '../support/create-topics.ts'
import { eventForm } from '../support/records.ts'
import { never } from '../support/signals.ts'
import { commit, recordIn, streamConfig, streamPublisher } from '../support/stream-publisher.ts'
import { readTopic } from '../support/topic-reader.ts'

const brokers = inject('kafkaBrokers')
const kafka = testKafka(brokers)
const topic = `consumers-${randomUUID()}`
const closing = closingAfterAll()
let admin: Admin
let publisher: EventPublisher
let producer: StreamProducer

beforeAll(async () => {
  admin = closing.use(kafka.admin(), (client) => client.disconnect())
  await admin.connect()
  await createTopics(admin, [
    { topic, numPartitions: 2, configEntries: entries({ 'min.compaction.lag.ms': '86400000' }) },
  ])
  publisher = streamPublisher(closing, streamConfig(brokers, topic))
  producer = await publisher.open(withoutCheckpoint, never)
  await recordIn(producer) // waits for the coordinators of a new broker
})

/** Settings of a topic whose old segments are cleaned at once, unless `more` says otherwise. */
function entries(more: Readonly<Record<string, string>>) {
  const settings = {
    'cleanup.policy': 'compact',
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0',
    'delete.retention.ms': '0',
    ...more,
  }
  return Object.entries(settings).map(([name, value]) => ({ name, value }))
}

const readClient = clientReader({ clientId: 'No', modifiedAt: null }, [], {
  timeZone: 'UTC',
  ignored: new Set(),
  lists: [],
  fields: undefined,
})
const settings = {
  form: eventForm({ source: `/polaris/shops/${topic}` }),
  maxValueBytes: 100_000,
  deadLetterClient: 'leave-out' as const,
}
const binary = { ...settings, form: eventForm({ ...settings.form, mode: 'binary' }) }
let published = 0
let transactions = 0

/** The records of the next version of these clients: every other one in binary mode. */
function changesOf(clients: readonly string[], marks: EventMarks = {}) {
  return clients.map((No, at) => {
    const sequence = published++
    const place = { sequence, previous: String(sequence), readAt: Date.now(), idField: 'No', marks }
    return clientRecord(readClient({ No, Nom: `Zoé "${sequence}"` }), place, at % 2 === 0 ? settings : binary).record
  })
}

const publish = (records: readonly OutgoingRecord[]) => commit(producer, records, ++transactions)

/** Leaves records of an aborted transaction in the topic. */
async function abort(records: ReturnType<typeof changesOf>) {
  {
    await using transaction = producer.begin(never)
    await transaction.send(records)
  }
  producer = await publisher.open(withoutCheckpoint, never) // an abort closes the producer
}

async function erase(clients: readonly string[]): Promise<void> {
  const eraser = kafka.producer()
  await eraser.connect()
  await eraser.send({ topic, messages: clients.map((key) => ({ key, value: null })) })
  await eraser.disconnect()
}

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const consumers = {
  node: [process.execPath, '--disable-warning=TimeoutNegativeWarning', file('contract/consumers/node/clients.js')],
  java: ['java', '-cp', file('.cache/kafka/*'), file('contract/consumers/java/Clients.java')],
  python: [file('.cache/python-client/bin/python3'), file('contract/consumers/python/clients.py')],
} as const

/** What each of the consumers rebuilds from the topic, and its summary. */
async function rebuilt() {
  const runs = Object.entries(consumers).map(async ([name, [command, ...args]]) => {
    const { stdout, stderr } = await promisify(execFile)(command, [...args, brokers, topic], { timeout: 50_000 })
    const lines = stdout.split('\n').filter((line) => line !== '')
    return [name, { clients: lines.map((line) => JSON.parse(line)), summary: stderr.trim() }] as const
  })
  return Object.fromEntries(await Promise.all(runs))
}

/** What all consumers must find: the newest event of each client, in the order of their ids. */
function same(newest: ReadonlyMap<string, unknown>, firstLoad: string) {
  const clients = [...newest].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, event]) => event)
  const found = { clients, summary: `${newest.size} clients; first load ${firstLoad}` }
  return { node: found, java: found, python: found }
}

const eventsOf = (records: ReturnType<typeof changesOf>) =>
  records.map((record) => {
    const event = eventIn(record)
    // In binary mode, a header of Kafka has it.
    return [String(record.key), { datacontenttype: 'application/json', ...event }] as const
  })

it('consumers in Node, Java and Python rebuild the same clients, during the first load and after compaction', async () => {
  const quiet = Array.from({ length: 30 }, (_, index) => `quiet-${index}`)
  const busy = Array.from({ length: 6 }, (_, index) => `busy-${index}`)
  const erased = quiet.slice(0, 3)
  await publish(changesOf([...quiet, ...busy]))
  const second = changesOf([...quiet, ...busy])
  await publish(second)
  await abort(changesOf(quiet))
  await erase(erased)
  const newest = new Map(eventsOf(second))
  for (const client of erased) newest.delete(client)
  expect(await rebuilt()).toEqual(same(newest, 'not known to be complete'))

  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entries({}) }]
  await admin.alterConfigs({ validateOnly: false, resources })
  await vi.waitFor(
    async () => {
      // Rolls the segments, since the active one is never cleaned.
      const changes = changesOf(busy, { historycomplete: true })
      await publish(changes)
      for (const [client, event] of eventsOf(changes)) newest.set(client, event)
      const left = (await readTopic(brokers, topic)).filter(({ key }) => key?.startsWith('quiet-'))
      expect(left.map(({ key }) => key).toSorted()).toEqual(quiet.slice(3).toSorted())
    },
    { timeout: 40_000, interval: 300 },
  )
  expect(await rebuilt()).toEqual(same(newest, 'complete'))
}, 180_000)
