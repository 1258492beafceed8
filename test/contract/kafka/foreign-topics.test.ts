import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { viewCluster } from '../../../connector/kafka/admin/cluster-view.ts'
import { kafkaClient } from '../../../connector/kafka/kafka-client.ts'
import { kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/kafka-event-publisher.ts'
import { withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { closeStack } from '../../../connector/runtime/close-stack.ts'
import { createTopics } from '../../support/create-topics.ts'
import { sentEvent } from '../../support/records.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { clusterView } from '../../support/servers/kafka-wire.ts'
import { never } from '../../support/signals.ts'
import { readTopic } from '../../support/topic-reader.ts'

it('opens and publishes a stream when a partition of an unrelated topic has no leader', async () => {
  const closing = closeStack()
  try {
    const kafka = closing.use(await startKafka({ brokers: 3 }), (cluster) => cluster.close())
    const brokers = kafka.bootstrap.split(',').slice(0, 2)
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const unrelated = { topic: 'unrelated', replicaAssignment: [{ partition: 0, replicas: [3] }] }
    const own = ['events', 'dlq'].map((topic) => ({ topic, numPartitions: 2, replicationFactor: 3 }))
    await createTopics(admin, [unrelated, ...own])
    await admin.disconnect()
    await kafka.kill(3)
    const port = Number(brokers[0]?.split(':')[1])
    while ((await clusterView(port, ['unrelated']))?.partitions[0]?.leader !== -1);

    const config = { ...kafkaDefaults, brokers, topic: { events: 'events', deadLetters: 'dlq', create: undefined } }
    const parts = {
      connector: 'test',
      stream: 'clients',
      clock: systemClock,
      log: () => undefined,
    }
    const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
    const producer = await publisher.open(withoutCheckpoint, never)
    await producer.readKafkaState({ formerProducerId: null }, never)
    await using transaction = producer.begin(never)
    await transaction.send([sentEvent('1', '"sent"')])
    await transaction.commit({ epoch: 1, seq: 1, nonce: 'n', events: 0 })
    expect((await readTopic(brokers.join(), 'events')).map(({ text }) => text)).toEqual(['"sent"'])

    const connect = () =>
      kafkaClient(config, {
        clientId: 'test',
        pace: 'stream',
        log: () => undefined,
        clock: systemClock,
      })
    expect(await viewCluster({ clock: systemClock, connect }, never)).toMatchObject({ brokers: 2 })
  } finally {
    await closing.close()
  }
})
