// Rebuilds the current state of every client from the topic and prints it: one event a line.
// usage: node clients.js BROKERS TOPIC
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

const [brokers, topic] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'crm', brokers: brokers.split(','), logLevel: logLevel.ERROR })
const clients = new Map() // client id to its newest event
let firstLoad = 'not known to be complete'

function apply(client, { value, headers }) {
  if (value === null) return clients.delete(client) // a tombstone: the client was erased
  const event = eventOf(value, headers)
  // Every client of the first load was committed before this event, so below the ends listed at the start.
  if (event.historycomplete !== undefined) firstLoad = 'complete'
  if (event.type === 'client.modified') clients.set(client, event)
  // A later version may add types: they are ignored.
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
consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
  if (BigInt(lastOffset) + 1n >= unread.get(partition)) unread.delete(partition)
  if (unread.size === 0) resolve()
})
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => void apply(String(message.key), message) })
await complete // here a service switches to its new table, and continues to read
await consumer.disconnect()

for (const client of [...clients.keys()].sort()) console.log(JSON.stringify(clients.get(client)))
console.error(`${clients.size} clients; first load ${firstLoad}`)
