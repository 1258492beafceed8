import type { StreamConfig } from '../config/connector-config.ts'
import type { InspectionReader } from '../inspect/inspected-pages.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import { createServerClock } from '../pipeline/read/server-clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { type RefusedAccounts, refusedAccounts } from '../runtime/refused-accounts.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { ClientSource, SourceTime } from '../source/client-source.ts'
import { limitedServers } from '../source/polaris/http/server-limits.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import type { PolarisConfig } from '../source/polaris/polaris-config.ts'
import { type RecoveryParts, recovering } from '../source/recovery/retrying-source.ts'

type SourceParts = Omit<RecoveryParts, 'policy' | 'suspectForMs'> & {
  readonly accounts: RefusedAccounts
}

/** The source of a stream: the only place that picks its adapter. Throws `config.invalid`. */
export function openSource(polaris: PolarisConfig, parts: SourceParts): ClientSource & { close(): Promise<void> } {
  const { retry: policy, suspectForMs } = polaris
  return recovering((permits) => httpClientSource(polaris, { ...parts, permits }), { ...parts, policy, suspectForMs })
}

/** The stream's configured beginning. */
export const beginningOf = ({ beginAt }: Pick<StreamConfig, 'beginAt'>): SourceTime => beginAt ?? UNKNOWN_BEGINNING

/** What the pages of a stream are read with. */
export function pageReader(
  stream: Pick<StreamConfig, 'poll' | 'fields' | 'beginAt'>,
  { source, clock, observe }: Pick<ReaderParts, 'source' | 'clock' | 'observe'>,
): InspectionReader {
  const { poll: settings, fields } = stream
  return {
    source,
    clock,
    serverClock: createServerClock(clock, observe),
    settings,
    fields,
    beginAt: beginningOf(stream),
  }
}

/** Reads a stream for a command that needs neither Kafka nor the checkpoint store. */
export function composePreview(
  stream: StreamConfig,
  { clock, closing }: Pick<InspectionReader, 'clock'> & { readonly closing: CloseStack },
): InspectionReader {
  const { polaris } = stream
  const observe = () => {}
  const parts = { clock, observe, permits: limitedServers(clock).of(polaris), accounts: refusedAccounts(clock) }
  const config = { ...polaris, retry: { ...polaris.retry, retries: 1 } }
  const source = closing.use(openSource(config, { ...parts, outages: 'give-up' }), (opened) => opened.close())
  return pageReader(stream, { source, clock, observe })
}
