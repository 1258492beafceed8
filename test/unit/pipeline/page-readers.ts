import { configuredPaths } from '../../../connector/event/fields/configured-paths.ts'
import type { ConfiguredFields, StreamMapping } from '../../../connector/event/page-mapping.ts'
import type { ReadingRules } from '../../../connector/event/read-client.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { readPages } from '../../../connector/pipeline/read/page-reader.ts'
import {
  newPageFailures,
  type PageFailures,
  type PageReading,
  type ReaderParts,
} from '../../../connector/pipeline/read/reader-parts.ts'
import { createServerClock } from '../../../connector/pipeline/read/server-clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { newScans, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { ClientSource, Page, PageRequest, ReadArguments } from '../../../connector/source/client-source.ts'
import { driven } from '../../support/driven.ts'
import { type VirtualClock, virtualClock } from '../../support/fakes/virtual-clock.ts'
import { beginAt, noon, settings } from '../scan/scans.ts'
import { noRetries, rules } from '../stream/open/open-parts.ts'
import { mappedTo } from './readings.ts'

/** Readers of pages, on a source that answers each request by a function. */

type Ask = ReadArguments & { readonly at: number }
export type Respond = (ask: Ask, clock: VirtualClock) => Page | Error | Promise<Page | Error>

export const failure = (code: ErrorCode) => new ConnectorError(code, 'scripted')

interface Start {
  readonly scans?: ScanStates
  readonly settings?: Partial<ScanSettings>
  readonly endsWhen?: ReaderParts['endsWhen']
  readonly fields?: Partial<ConfiguredFields>
  readonly mapping?: StreamMapping
  readonly onAsk?: (ask: PageRequest) => void
  readonly retries?: number
  readonly livePageFailures?: PageFailures
  readonly rules?: ReadingRules
}

export function pageReader(respond: Respond, { scans = newScans, ...start }: Start = {}) {
  const clock = virtualClock(noon)
  const asked: Ask[] = []
  const events: PipelineEvent[] = []
  const stopping = new AbortController()
  const source: ClientSource = {
    read: async (at, stop) => {
      stop.throwIfAborted()
      const { lastChanged, checkPoint, limit, output } = at
      const ask = { lastChanged, checkPoint, limit, output, at: clock.now() }
      asked.push(ask)
      start.onAsk?.(at)
      const answer = await respond(ask, clock)
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const parts: ReaderParts = {
    retryPolicy: { ...noRetries, retries: start.retries ?? 0 },
    source,
    clock,
    serverClock: createServerClock(clock),
    livePageFailures: start.livePageFailures ?? newPageFailures(),
    beginAt,
    settings: { ...settings, ...start.settings },
    endsWhen: start.endsWhen ?? 'stopped',
    configuredFields: { clientId: 'No', modifiedAt: null, clients: null, lists: [], ...start.fields },
    rules: start.rules ?? rules,
    configuredPaths: configuredPaths(start.rules ?? rules),
    observe: (event) => events.push(event),
  }
  const from = {
    scans,
    mapping: start.mapping ?? mappedTo('No', null),
  }
  const pages = readPages(parts, from, stopping.signal)
  /** The next page, or what its read rejects with; time passes while the reader waits. */
  const next = async () => (await driven(clock, pages.next())).value as PageReading
  const read = async (count: number) => {
    const readings: PageReading[] = []
    while (readings.length < count) readings.push(await next())
    return readings
  }
  const of = <Kind extends PipelineEvent['kind']>(kind: Kind) =>
    events.filter((event): event is Extract<PipelineEvent, { kind: Kind }> => event.kind === kind)
  return { clock, asked, events, of, stopping, pages, next, read }
}

/** The scans that read these pages, such as `live*` for the last page of a live scan. */
export const kindsOf = (readings: readonly PageReading[]) =>
  readings.map(({ scan, isLast }) => `${scan.lane}${isLast ? '*' : ''}`)
