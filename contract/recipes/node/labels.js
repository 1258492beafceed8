// Writes an address label for every client to another topic, exactly once, also if it is killed at any moment.
// usage: node labels.js BROKERS TOPIC LABELS     (LABELS: a topic with as many partitions as TOPIC)
import { Kafka, logLevel } from 'kafkajs'

const [brokers, topic, labels] = process.argv.slice(2)
const GROUP = 'labels'
const PER_TRANSACTION = 100
const TYPES = ['client.modified', 'client.removed', 'client.erased']
const kafka = new Kafka({ clientId: GROUP, brokers: brokers.split(','), logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const consumer = kafka.consumer({
  groupId: GROUP,
  readUncommitted: false,
  sessionTimeout: 6000,
  heartbeatInterval: 1000,
})
const sessions = new Map() // partition to its producer, and to the offset from which it continues

/** Each partition has its own transactional id. Opening it fences the former owner and ends its transaction. */
async function open(partition) {
  const producer = kafka.producer({
    transactionalId: `${GROUP}-${topic}-${partition}`,
    transactionTimeout: 30_000,
    maxInFlightRequests: 1,
    retry: { initialRetryTime: 5, maxRetryTime: 500, retries: 30 },
    createPartitioner: () => (to) => to.message.partition,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  // Read only now: a former owner may have committed after the group told this consumer where to begin.
  const [{ partitions }] = await admin.fetchOffsets({ groupId: GROUP, topics: [topic] })
  const { offset } = partitions.find((one) => one.partition === partition)
  return { producer, transaction, next: BigInt(offset) }
}

async function onBatch({ batch: { partition, messages }, heartbeat, isRunning, isStale }) {
  if (!sessions.has(partition)) sessions.set(partition, await open(partition))
  const session = sessions.get(partition)
  const unread = messages.filter(({ offset }) => BigInt(offset) >= session.next)
  for (let at = 0; at < unread.length; at += PER_TRANSACTION) {
    if (!isRunning() || isStale()) return
    await deliver(session, partition, unread.slice(at, at + PER_TRANSACTION))
    await heartbeat()
  }
}

/** Labels and offset become visible together, or neither does. */
async function deliver(session, partition, messages) {
  const next = BigInt(messages.at(-1).offset) + 1n
  const made = messages.flatMap((message) => labelOf(message, partition))
  if (made.length > 0) {
    const transaction = session.transaction ?? (await session.producer.transaction())
    session.transaction = undefined
    // One partition a call, which it must acknowledge: kafkajs loses or doubles records of calls for several.
    const acknowledged = await transaction.send({ topic: labels, messages: made })
    if (acknowledged.length !== 1 || acknowledged[0].partition !== partition) throw new Error('not acknowledged')
    const partitions = [{ partition, offset: String(next) }]
    await transaction.sendOffsets({ consumerGroupId: GROUP, topics: [{ topic, partitions }] })
    await transaction.commit()
  }
  session.next = next
}

/** The label of a client, or a tombstone for a client that was erased or removed. */
function labelOf(message, partition) {
  const { type, id, data } = eventIn(message)
  if (!TYPES.includes(type)) return [] // a later version may add types
  const value = type === 'client.modified' ? JSON.stringify(label(data)) : null
  return [{ key: message.key, value, partition, headers: id === undefined ? {} : { cause: id } }]
}

const label = ({ No, Nom, Adresse, ChiffreAffaires, NoVersion }) => {
  return { No, Nom, Ville: Adresse?.Ville, ChiffreAffaires, NoVersion }
}

/** An event of either mode, or a tombstone. The headers tell which one, never the value. */
function eventIn({ headers, value }) {
  const data = value === null ? undefined : JSON.parse(value)
  if (headers.ce_specversion) return { type: String(headers.ce_type), id: String(headers.ce_id), data }
  return data ?? { type: 'client.erased' } // a tombstone of another program
}

/** After an error, the outcome of the transaction is unknown. The producer must not be used again, so the process ends. */
function exit(error) {
  console.error(`labels: ${error.message}`)
  process.exit(1)
}

consumer.on(consumer.events.GROUP_JOIN, () => {
  // The partitions may be others now, or another consumer may have had them meanwhile.
  for (const { producer } of sessions.values()) producer.disconnect().catch(exit)
  sessions.clear()
})
consumer.on(consumer.events.CRASH, ({ payload }) => exit(payload.error))
process.once('SIGTERM', () => void consumer.disconnect().then(() => process.exit(0), exit))
await admin.connect()
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({ autoCommit: false, eachBatch: (batch) => onBatch(batch).catch(exit) })
