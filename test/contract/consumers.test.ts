import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Admin, ConfigResourceTypes } from 'kafkajs'
import { beforeAll, expect, inject, test, vi } from 'vitest'
import type { EventMarks, OutgoingRecord } from '../../connector/event/client-event.ts'
import {
  type EventPublisher,
  optionsWithoutCheckpoint,
  type StreamProducer,
} from '../../connector/publish/event-publisher.ts'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { testKafka } from '../support/committed-records.ts'
import { erasureOf, recordOfChange, type TableRow } from '../support/consumers/random-topic.ts'
import { createTopics } from '../support/create-topics.ts'
import { never } from '../support/signals.ts'
import { commit, recordIn, streamConfig, streamPublisher } from '../support/stream-publisher.ts'
import { readTopic } from '../support/topic-reader.ts'

// The sample consumers read a real topic that grows, aborts, erases and compacts, as programs of their own.

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
  producer = await publisher.open(optionsWithoutCheckpoint, never)
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

const source = `/polaris/shops/${topic}`
let published = 0
let transactions = 0

interface Change {
  readonly record: OutgoingRecord
  readonly row: TableRow
}

/** The next version of these clients: every other one in binary mode. */
function changesOf(clients: readonly string[], marks: EventMarks = {}): Change[] {
  return clients.map((client, at) => {
    const mode = at % 2 === 0 ? 'structured' : 'binary'
    const { record, json } = recordOfChange({ source, client, solde: `${published}.50`, mode, marks }, published++)
    return { record, row: [source, client, json] }
  })
}

const send = (records: readonly OutgoingRecord[]) => commit(producer, records, ++transactions)

async function publish(changes: readonly Change[]): Promise<void> {
  await send(changes.map(({ record }) => record))
  for (const { row } of changes) rows.set(row[1], row)
}

/** What every consumer must find. */
const rows = new Map<string, TableRow>()

async function erase(clients: readonly string[]): Promise<void> {
  await send(clients.flatMap((client) => erasureOf({ source, client }, { partitions: 3, hasGrown: true })))
  for (const client of clients) rows.delete(client)
}

/** Leaves records of an aborted transaction in the topic. */
async function abort(changes: readonly Change[]) {
  {
    await using transaction = producer.begin(never)
    await transaction.send(changes.map(({ record }) => record))
  }
  producer = await publisher.open(optionsWithoutCheckpoint, never) // an abort closes the producer
}

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const consumers = {
  node: [process.execPath, '--disable-warning=TimeoutNegativeWarning', file('contract/consumers/node/clients.js')],
  java: ['java', '-cp', file('.cache/kafka/*'), file('contract/consumers/java/Clients.java')],
  python: [file('.cache/python-client/bin/python3'), file('contract/consumers/python/clients.py')],
} as const

const table = join(temporaryFolder(closing), 'clients.db')

/** The table of each consumer, in the order of the client ids, and its summary. Python's is in a file. */
async function rebuilt() {
  const runs = Object.entries(consumers).map(async ([name, [command, ...args]]) => {
    const more = name === 'python' ? [table] : []
    const { stdout, stderr } = await promisify(execFile)(command, [...args, brokers, topic, ...more], {
      timeout: 120_000,
    })
    const found = name === 'python' ? rowsInFile() : stdout.split('\n').filter(Boolean).map(printedRow)
    return [name, { rows: found, summary: stderr.trim() }] as const
  })
  return Object.fromEntries(await Promise.all(runs))
}

const printedRow = (line: string): TableRow => {
  const { source: writer, subject } = JSON.parse(line)
  return [writer, subject, line.slice(line.indexOf('"data":') + '"data":'.length, -1)]
}

function rowsInFile() {
  const database = new DatabaseSync(table)
  const found = database.prepare('SELECT source, client, data FROM clients ORDER BY client').all()
  database.close()
  return found.map((row) => [row.source, row.client, row.data])
}

/** What all consumers must find. */
function same(firstLoad: string) {
  const inOrder = [...rows.values()].toSorted(([, one], [, other]) => (one < other ? -1 : 1))
  const found = { rows: inOrder, summary: `${rows.size} clients; first load ${firstLoad}` }
  return { node: found, java: found, python: found }
}

test('consumers in Node, Java and Python have the same table of a topic that has grown, before and after its compaction', async () => {
  const quiet = Array.from({ length: 30 }, (_, index) => `quiet-${index}`)
  const busy = Array.from({ length: 6 }, (_, index) => `busy-${index}`)
  const erased = quiet.slice(0, 3)
  await publish(changesOf([...quiet, ...busy], { snapshot: true }))
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  producer = await publisher.open(optionsWithoutCheckpoint, never)
  await publish(changesOf([...quiet.slice(10), ...busy]))
  await abort(changesOf(quiet))
  await erase(quiet.slice(0, 4))
  await publish(changesOf(quiet.slice(3, 4)))
  expect(await rebuilt()).toEqual(same('not known to be complete'))

  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entries({}) }]
  await admin.alterConfigs({ validateOnly: false, resources })
  await vi.waitFor(
    async () => {
      // Rolls the segments, since the active one is never cleaned.
      await publish(changesOf(busy, { historycomplete: true }))
      const left = (await readTopic(brokers, topic)).filter(({ text }) => text !== '').map(({ key }) => key)
      expect(left.filter((key) => key !== null && erased.includes(key))).toEqual([])
    },
    { timeout: 120_000, interval: 300 },
  )
  expect(await rebuilt()).toEqual(same('complete'))
}, 400_000)
