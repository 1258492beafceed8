import { type EventPublisher, type StreamProducer, streamNames } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { type KafkaLog, kafkaClient } from './kafka-client.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { openStreamProducer } from './transactions/stream-producer.ts'

interface KafkaEventPublisherParts {
  readonly connector: string
  readonly stream: string
  readonly clock: Clock
  readonly log: KafkaLog
}

/** Connects only in `open`; `close` closes every producer that is still open. */
export function kafkaEventPublisher(
  config: KafkaConfig,
  parts: KafkaEventPublisherParts,
): EventPublisher & { close(): Promise<void> } {
  const names = streamNames(parts.connector, parts.stream)
  const { clock, log } = parts
  const connect = () => kafkaClient(config, { clientId: names.clientId, pace: 'stream', log, clock })
  const producers = new Set<StreamProducer>()
  return {
    open: async (options, stop) => {
      const producer = await openStreamProducer({ config, names, clock, connect }, options, stop)
      producers.add(producer)
      const close = async () => {
        await producer.close()
        producers.delete(producer)
      }
      return { ...producer, close }
    },
    close: async () => {
      await Promise.all([...producers].map((producer) => producer.close()))
    },
  }
}
