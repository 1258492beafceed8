import type { StreamConfig } from '../config/connector-config.ts'
import { readingRules } from '../event/read-client.ts'
import type { InspectionReader } from '../inspect/inspected-pages.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import { createServerClock } from '../pipeline/read/server-clock.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { UNKNOWN_BEGINNING } from '../scan/scan-state.ts'
import type { ClientSource, SourceEvent, SourceTime } from '../source/client-source.ts'
import { httpClientSource } from '../source/polaris/http-client-source.ts'
import type { SharedResources } from './shared-resources.ts'

/** The stream's configured beginning. */
const beginningOf = ({ beginAt }: Pick<StreamConfig, 'beginAt'>): SourceTime => beginAt ?? UNKNOWN_BEGINNING

interface OpenSource {
  readonly shared: SharedResources
  readonly closing: CloseStack
  readonly observe: (event: SourceEvent) => void
}

export function openSource(
  { polaris }: Pick<StreamConfig, 'polaris'>,
  { shared, closing, observe }: OpenSource,
): ClientSource {
  const { clock, accounts, requestRates } = shared
  const source = httpClientSource(polaris, { clock, accounts, observe, turn: requestRates.of(polaris) })
  return closing.use(source, (opened) => opened.close())
}

/** What the pages of a stream are read with. */
export function pageReader(
  stream: Pick<StreamConfig, 'polaris' | 'poll' | 'fields' | 'hashIgnore' | 'event' | 'beginAt'>,
  { source, clock, retries }: Pick<ReaderParts, 'source' | 'clock'> & { retries: number },
): InspectionReader {
  const { poll: settings, fields, polaris } = stream
  return {
    source,
    retry: { ...polaris.retry, retries },
    clock,
    serverClock: createServerClock(clock),
    settings,
    fields,
    rules: readingRules(stream),
    beginAt: beginningOf(stream),
  }
}

/** How a command reads a stream; it gives up during an outage. */
export function commandReader(
  stream: StreamConfig,
  { shared, closing, retries }: Pick<OpenSource, 'shared' | 'closing'> & { readonly retries: number },
): InspectionReader {
  const observe = () => {}
  const source = openSource(stream, { shared, closing, observe })
  return pageReader(stream, { source, clock: shared.clock, retries })
}
