import { kafkaClient } from '../../connector/kafka/kafka-client.ts'
import type { KafkaConfig } from '../../connector/kafka/kafka-config.ts'
import { readTopicEvents } from '../../connector/kafka/reading/read-topic.ts'
import type { ReadEvents } from '../../connector/publish/event-reading.ts'
import { systemClock as clock } from '../../connector/runtime/clock.ts'

/** Reads the topics of a stream as an audit does. */
export function eventsReader(config: KafkaConfig, clientId = 'test'): ReadEvents {
  const connect = () => kafkaClient(config, { clientId, patience: 'stream', clock })
  return (reading, stop) => readTopicEvents({ config, clock, newClient: connect }, reading, stop)
}
