import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { kafkaClient } from '../../connector/publish/kafka-client.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/publish/kafka-event-publisher.ts'
import { viewCluster } from '../../connector/publish/kafka-view.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { startKafka } from '../support/servers/kafka-broker.ts'
import { clusterView } from '../support/servers/kafka-wire.ts'
import { readTopic } from '../support/topic-reader.ts'

const never = new AbortController().signal

it('somebody else’s partition without a leader keeps no stream from being opened and published', async () => {
  const closing = closeStack()
  try {
    const kafka = closing.use(await startKafka({ brokers: 3 }), (cluster) => cluster.close())
    const brokers = kafka.bootstrap.split(',').slice(0, 2)
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const foreign = { topic: 'foreign', replicaAssignment: [{ partition: 0, replicas: [3] }] }
    const own = ['events', 'dlq'].map((topic) => ({ topic, numPartitions: 2, replicationFactor: 3 }))
    await admin.createTopics({ topics: [foreign, ...own] })
    await admin.disconnect()
    await kafka.kill(3)
    const port = Number(brokers[0]?.split(':')[1])
    while ((await clusterView(port, ['foreign']))?.partitions[0]?.leader !== -1);

    const config = { ...kafkaDefaults, brokers, topic: { events: 'events', deadLetters: 'dlq', create: undefined } }
    const parts = { connector: 'test', stream: 'clients', clock: systemClock, log: () => undefined }
    const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
    const session = await publisher.open(never)
    await session.readNote(never)
    await session.settle({ fateOf: () => 'foreign' }, never)
    await using transaction = session.begin(never)
    await transaction.send([{ to: 'events', key: '1', value: '"told"' }])
    await transaction.commit({ epoch: 1, seq: 1, nonce: 'n' })
    expect((await readTopic(brokers.join(), 'events')).map(({ text }) => text)).toEqual(['"told"'])

    const connect = () => kafkaClient(config, { clientId: 'test', log: () => undefined })
    expect(await viewCluster({ config, clock: systemClock, connect }, never)).toMatchObject({ brokers: 2 })
  } finally {
    await closing.close()
  }
})
