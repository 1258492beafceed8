import type { StreamConfig } from '../config/connector-config.ts'
import { readingRules } from '../event/configured-events.ts'
import type { AuditParts } from '../inspect/audit/audit-stream.ts'
import { type Retention, retentionOf } from '../inspect/audit/compare.ts'
import { viewTopic } from '../kafka/admin/cluster-view.ts'
import { streamNames } from '../publish/event-publisher.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { openSource, pageReader } from './compose-source.ts'
import { openParts, withoutPlacement } from './compose-stream.ts'
import { adminParts, type SharedResources } from './shared-resources.ts'

/** What an audit of a stream works with: its own source, which gives up during an outage, and adapters that only read. */
export function composeAudit(
  stream: StreamConfig,
  shared: SharedResources,
  { isPaused, closing }: Pick<AuditParts, 'isPaused'> & { readonly closing: CloseStack },
): AuditParts {
  const { clock, accounts, config } = shared
  const { polaris } = stream
  const observe = () => {}
  const server = { permits: shared.servers.of(polaris), breaker: shared.breakerOf(polaris) }
  const http = { clock, observe, ...server, accounts, outages: 'give-up' as const }
  const source = closing.use(openSource(polaris, http), (opened) => opened.close())
  const open = openParts(stream, shared, { ...withoutPlacement, observe, closing })
  const reader = pageReader(stream, { source, clock, observe })
  return {
    open,
    source: { reader, rules: readingRules(stream) },
    savePeriodMs: config.savePeriodMs,
    isPaused,
    otherSources: twinsOf(stream, config).map(({ eventSource }) => eventSource),
  }
}

/** Whether the events topic keeps the last event of every client. Rejects with `publish.*` or the reason of `stop`. */
export async function readRetention(
  { name, kafka }: StreamConfig,
  shared: SharedResources,
  stop: AbortSignal,
): Promise<Retention> {
  const { config } = shared
  const { clientId } = streamNames(config.connector, name)
  const found = await viewTopic(adminParts(kafka, shared, clientId), kafka.topic.events, stop)
  return retentionOf(
    found.kind === 'exists' ? found.view.settings : undefined,
    twinsOf({ name, kafka }, config).length > 0,
  )
}

/** The other streams on the same topic. */
function twinsOf({ name, kafka }: Pick<StreamConfig, 'name' | 'kafka'>, { streams }: SharedResources['config']) {
  return streams.filter((other) => other.name !== name && other.kafka.topic.events === kafka.topic.events)
}
