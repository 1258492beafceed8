// Keeps a table of all clients in memory and prints it: the newest event of each client, one a line.
// usage: node clients.js BROKERS TOPIC
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

/**
 * `clients`: client id to `source` to its row. The partitions of a topic are read in any order, and a topic may have grown.
 * So of two events of a client with the same source, the one with the higher sequence stays, and a tombstone deletes only
 * what came from its own partition.
 */
export function apply(clients, { partition, key, value, headers }) {
  const rows = clients.get(key) ?? new Map()
  if (value === null) {
    for (const [source, row] of rows) if (row.partition === partition) rows.delete(source)
    return
  }
  const event = eventOf(value, headers)
  if (event.type !== 'client.modified') return // a later version may add types
  if (rows.get(event.source)?.event.sequence >= event.sequence) return
  clients.set(key, rows.set(event.source, { event, partition }))
}

/** The headers tell the mode, never the value: a topic may hold both. */
function eventOf(value, headers) {
  const type = String(headers['content-type'])
  if (type.startsWith('application/cloudevents+json')) return JSON.parse(value, digits)
  const event = { datacontenttype: type }
  for (const [name, text] of Object.entries(headers)) if (name.startsWith('ce_')) event[name.slice(3)] = String(text)
  if ('specversion' in event) event.data = JSON.parse(value, digits)
  return event
}

/** A number keeps all its digits. */
const digits = (_, value, { source }) => (typeof value === 'number' ? JSON.rawJSON(source) : value)

/** Applies all records up to the end offsets at the start. A service then switches to the table, and continues to read. */
async function readInto(clients, brokers, topic) {
  const kafka = new Kafka({ clientId: 'crm', brokers: brokers.split(','), logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  const unread = new Map() // partition to its end at the start, until that is reached
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    if (low !== high) unread.set(partition, BigInt(high))
  }
  await admin.disconnect()

  const { promise: complete, resolve } = Promise.withResolvers()
  if (unread.size === 0) resolve()
  const consumer = kafka.consumer({ groupId: `crm-${randomUUID()}`, readUncommitted: false })
  // Not each message: the last offset of a partition is usually that of a transaction marker.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    if (BigInt(lastOffset) + 1n >= unread.get(partition)) unread.delete(partition)
    if (unread.size === 0) resolve()
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const eachMessage = async ({ partition, message }) =>
    apply(clients, { ...message, partition, key: String(message.key) })
  await consumer.run({ autoCommit: false, eachMessage })
  await complete
  await consumer.disconnect()
}

if (process.argv[1] === import.meta.filename) {
  const [brokers, topic] = process.argv.slice(2)
  const clients = new Map()
  await readInto(clients, brokers, topic)
  const inOrder = [...clients].sort(([one], [other]) => (one < other ? -1 : 1))
  const events = inOrder.flatMap(([, rows]) => [...rows.values()].map(({ event }) => event))
  for (const event of events) console.log(JSON.stringify(event))
  // Every client of the first load was committed before such an event, so below the ends listed at the start.
  const isComplete = events.some(({ historycomplete }) => historycomplete !== undefined)
  console.error(`${events.length} clients; first load ${isComplete ? 'complete' : 'not known to be complete'}`)
}
