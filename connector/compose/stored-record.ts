import type { StreamConfig } from '../config/connector-config.ts'
import { kafkaClient } from '../kafka/kafka-client.ts'
import { readStoredRecord } from '../kafka/transactions/kafka-state.ts'
import { type StoredRecord, streamNames } from '../publish/event-publisher.ts'
import type { SharedResources } from './shared-resources.ts'

/** The commit record of a stream, read without opening it. Rejects as `readStoredRecord` does. */
export function storedRecord(stream: StreamConfig, shared: SharedResources, stop: AbortSignal): Promise<StoredRecord> {
  const { clock, replica: clientId, accounts, kafkaLog: log, config } = shared
  const { recordGroup: group } = streamNames(config.connector, stream.name)
  const connect = () => kafkaClient(stream.kafka, { clientId, log, accounts, clock })
  const place = { group, topic: stream.kafka.topic.events }
  return readStoredRecord({ config: stream.kafka, clock, connect }, place, stop)
}
