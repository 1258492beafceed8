import type { StreamConfig } from '../config/connector-config.ts'
import type { InspectionReader } from '../inspect/inspected-pages.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import { createServerClock } from '../pipeline/read/server-clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { refusedAccounts } from '../runtime/refused-accounts.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import { requestRates } from '../source/polaris/http/request-rate.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'

/** The stream's configured beginning. */
export const beginningOf = ({ beginAt }: Pick<StreamConfig, 'beginAt'>): SourceTime => beginAt ?? UNKNOWN_BEGINNING

/** How often a command retries a page. */
export const COMMAND_RETRIES = 4

/** What the pages of a stream are read with. */
export function pageReader(
  stream: Pick<StreamConfig, 'polaris' | 'poll' | 'fields' | 'beginAt'>,
  { source, clock, observe, retries }: Pick<ReaderParts, 'source' | 'clock' | 'observe'> & { retries: number },
): InspectionReader {
  const { poll: settings, fields, polaris } = stream
  return {
    source,
    retry: { ...polaris.retry, retries },
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
  const parts = { clock, observe, turn: requestRates(clock).of(polaris), accounts: refusedAccounts(clock) }
  const source = closing.use(httpClientSource(polaris, parts), (opened) => opened.close())
  return pageReader(stream, { source, clock, observe, retries: 1 })
}
