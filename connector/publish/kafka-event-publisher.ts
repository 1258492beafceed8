import type { Clock } from '../runtime/clock.ts'
import type { EventPublisher, PublisherSession } from './event-publisher.ts'
import { openIdempotentSession } from './idempotent-session.ts'
import { kafkaClient } from './kafka-client.ts'
import type { KafkaConfig } from './kafka-config.ts'
import type { KafkaLog } from './kafka-log.ts'
import { onThrottled } from './kafkajs/kafkajs-patches.ts'
import { streamNames } from './stream-names.ts'
import { openTransactionalSession } from './transactional-session.ts'

export interface KafkaEventPublisherParts {
  readonly connector: string
  readonly stream: string
  readonly clock: Clock
  readonly log: KafkaLog
  /** Hears of every pause in milliseconds that a broker's quota asks for. */
  readonly onThrottle?: ((pauseMs: number) => void) | undefined
}

/** The way to Kafka of one stream. Nothing is connected before `open`; `close` ends every session that is still open. */
export function kafkaEventPublisher(
  config: KafkaConfig,
  parts: KafkaEventPublisherParts,
): EventPublisher & { close(): Promise<void> } {
  const names = streamNames(parts.connector, parts.stream)
  const { clock, log, onThrottle } = parts
  const connect = () => kafkaClient(config, { clientId: names.clientId, log })
  const openSession = config.delivery === 'exactly-once' ? openTransactionalSession : openIdempotentSession
  const forgetThrottle = onThrottle === undefined ? () => undefined : onThrottled(names.clientId, onThrottle)
  const sessions = new Set<PublisherSession>()
  return {
    open: async (stop) => {
      const session = await openSession({ config, names, clock, connect }, stop)
      sessions.add(session)
      const close = async () => {
        await session.close()
        sessions.delete(session)
      }
      return { ...session, close }
    },
    close: async () => {
      await Promise.all([...sessions].map((session) => session.close()))
      forgetThrottle()
    },
  }
}
