import { Kafka, logLevel } from 'kafkajs'
import { readTopic, type TopicRecord } from './topic-reader.ts'

/** A record as a `read_committed` consumer receives it. */
export interface CommittedRecord extends Omit<TopicRecord, 'value'> {
  readonly topic: string
  readonly value: string
}

/** A Kafka client for tests, independent of the connector's. */
export function testKafka(brokers: string): Kafka {
  const retry = { initialRetryTime: 50, retries: 30, maxRetryTime: 500 }
  return new Kafka({ clientId: 'test', brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry })
}

/** All records committed in a topic so far, ordered within each partition. Waits for open transactions. */
export async function committedRecords(brokers: string, topic: string): Promise<CommittedRecord[]> {
  const records = await readTopic(brokers, topic)
  return records.map((record) => ({ ...record, topic, value: record.text }))
}
