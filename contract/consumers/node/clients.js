// Rebuilds the current state of every client from the topic and prints it: one event a line.
// usage: node clients.js BROKERS TOPIC
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

const [brokers, topic] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'crm', brokers: brokers.split(','), logLevel: logLevel.ERROR })
const clients = new Map() // client id to its newest event
const seen = new Set() // the latest events, to recognise duplicates
let duplicates = 0

function apply(client, { value, headers }) {
  if (value === null) return clients.delete(client) // a tombstone: the client was erased or removed
  const event = eventOf(value, headers)
  if (!['client.modified', 'client.removed'].includes(event.type)) return // a later version may add types
  if (isDuplicate(event)) duplicates++
  else if (event.type === 'client.removed') clients.delete(client)
  else clients.set(client, event)
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

function isDuplicate({ source, id }) {
  if (seen.has(source + id)) return true
  seen.add(source + id)
  if (seen.size > 100_000) seen.delete(seen.values().next().value)
  return false
}

// No offsets are stored: every start reads the whole topic, until the end that it has now.
const admin = kafka.admin()
await admin.connect()
const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]))
for (const [partition, end] of ends) if (end === 0n) ends.delete(partition)
await admin.disconnect()

const consumer = kafka.consumer({ groupId: `crm-${randomUUID()}`, readUncommitted: false })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const { promise: atEnd, resolve } = Promise.withResolvers()
if (ends.size === 0) resolve()
consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
  if (BigInt(lastOffset) + 1n >= ends.get(partition)) ends.delete(partition)
  if (ends.size === 0) resolve()
})
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ message }) => void apply(message.key.toString(), message),
})
await atEnd // a service continues to read
await consumer.disconnect()

for (const client of [...clients.keys()].sort()) console.log(JSON.stringify(clients.get(client)))
console.error(`${clients.size} clients, ${duplicates} duplicates`)
