import type { StreamConfig } from '../config/connector-config.ts'
import type { AuditParts } from '../inspect/audit/audit-stream.ts'
import { readTopicEvents } from '../kafka/reading/read-topic.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { commandReader } from './compose-source.ts'
import { adminParts, type SharedResources } from './shared-resources.ts'

/** Of a page. */
const RETRIES = 4

/** What an audit of a stream works with: its own source, which gives up during an outage, and a reader of its topics. */
export function composeAudit(stream: StreamConfig, shared: SharedResources, closing: CloseStack): AuditParts {
  const { clock, config } = shared
  const { kafka, eventSource, hashIgnore: ignored, sharedKeys: isShared } = stream
  const { clientId } = streamNames(config.connector, stream.name)
  const brokers = { ...adminParts(kafka, shared, { clientId, pace: 'stream' }), config: kafka }
  return {
    source: { reader: commandReader(stream, { shared, closing, retries: RETRIES }) },
    topic: { readEvents: (reading, stop) => readTopicEvents(brokers, reading, stop), eventSource, isShared, ignored },
    names: kafka.topic,
    clock,
  }
}
