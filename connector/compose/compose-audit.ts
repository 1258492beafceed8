import type { StreamConfig } from '../config/connector-config.ts'
import { readingRules } from '../event/configured-events.ts'
import type { AuditParts } from '../inspect/audit/audit-stream.ts'
import { readTopicEvents } from '../kafka/reading/read-topic.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import { COMMAND_RETRIES, pageReader } from './compose-source.ts'
import { adminParts, type SharedResources } from './shared-resources.ts'

/** What an audit of a stream works with: its own source, which gives up during an outage, and a reader of its topics. */
export function composeAudit(stream: StreamConfig, shared: SharedResources, closing: CloseStack): AuditParts {
  const { clock, accounts, config } = shared
  const { polaris, kafka, eventSource, hashIgnore: ignored, sharedKeys: isShared } = stream
  const observe = () => {}
  const http = { clock, observe, turn: shared.requestRates.of(polaris), accounts }
  const source = closing.use(httpClientSource(polaris, http), (opened) => opened.close())
  const { clientId } = streamNames(config.connector, stream.name)
  const brokers = { ...adminParts(kafka, shared, { clientId, pace: 'stream' }), config: kafka }
  return {
    source: {
      reader: pageReader(stream, { source, clock, observe, retries: COMMAND_RETRIES }),
      rules: readingRules(stream),
    },
    topic: { readEvents: (reading, stop) => readTopicEvents(brokers, reading, stop), eventSource, isShared, ignored },
    clock,
  }
}
