// Rebuilds the current state of every client from the topic and prints it: one event a line.
// With a progress topic, it does so once the first load is complete.
// usage: node clients.js BROKERS TOPIC [PROGRESS_TOPIC]
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

const [brokers, topic, progressTopic] = process.argv.slice(2)
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

/** Reads a topic from its beginning. No offsets are stored. */
async function read(name, eachMessage, onBatch = () => {}) {
  const consumer = kafka.consumer({ groupId: `crm-${randomUUID()}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topic: name, fromBeginning: true })
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => onBatch(payload))
  await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => eachMessage(message) })
  return consumer
}

/** Waits until a scan has read all clients; resolves to the end offset of each partition of the events topic. */
async function completedScan() {
  const { promise, resolve } = Promise.withResolvers()
  const consumer = await read(progressTopic, ({ value }) => {
    const { type, data } = JSON.parse(value)
    if (type === 'scan.completed' && data.topic === topic) resolve(data.endOffsets)
  })
  const ends = await promise
  await consumer.disconnect()
  return ends
}

const next = new Map() // partition to the offset from which it is unread
let ends // by partition; once they are reached, the state is complete
const { promise: complete, resolve } = Promise.withResolvers()
function check() {
  if (ends?.every(({ partition, end }) => end === 0n || next.get(partition) >= end)) resolve()
}
const consumer = await read(
  topic,
  (message) => void apply(message.key.toString(), message),
  ({ partition, lastOffset }) => {
    next.set(partition, BigInt(lastOffset) + 1n)
    check()
  },
)
const named = progressTopic === undefined ? [] : await completedScan()
const admin = kafka.admin()
await admin.connect()
// Compaction may have moved clients behind the end of an older scan, so the present end counts too.
ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => {
  const end = BigInt(named[partition] ?? 0)
  return { partition, end: end > BigInt(high) ? end : BigInt(high) }
})
await admin.disconnect()
check()
await complete // here a service switches to the new table, and continues to read
await consumer.disconnect()

for (const client of [...clients.keys()].sort()) console.log(JSON.stringify(clients.get(client)))
console.error(`${clients.size} clients, ${duplicates} duplicates`)
