import { Gauge, type Registry } from 'prom-client'
import { type StreamState, streamStates } from '../../pipeline/pipeline-event.ts'
import type { Clock } from '../../runtime/clock.ts'
import { lanes } from '../../scan/scan-state.ts'
import type { ReplicaStatus } from '../replica-status.ts'
import { isActive, type StreamStatus } from '../stream-status.ts'
import { type MetricEntry, ofReplica, ofStream } from './prom-metrics.ts'

interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  readonly status: ReplicaStatus
}

/** One series of a gauge, at a scrape. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

interface ScrapedEntry extends MetricEntry {
  readonly samples: (parts: ScrapedParts) => readonly Sample[]
}

/** A gauge of each stream. */
const ofEach = (
  name: string,
  help: string,
  labels: MetricEntry['labels'],
  samples: (status: StreamStatus, clock: Clock) => readonly Sample[],
): ScrapedEntry => ({
  ...ofStream(name, help, labels),
  samples: ({ status: replica, clock }) =>
    replica
      .streams()
      .flatMap(({ stream, status }) =>
        samples(status, clock).map(([more, value]): Sample => [{ stream, ...more }, value]),
      ),
})

/** A gauge of each stream that runs here; undefined: the stream has none. */
const here = (name: string, help: string, value: (status: StreamStatus, clock: Clock) => number | undefined) =>
  ofEach(name, help, {}, (status, clock) => {
    const found = isActive(status) ? value(status, clock) : undefined
    return found === undefined ? [] : [[{}, found]]
  })

/** A stream that has ended waits until it is assigned again. */
const exportedStates: readonly StreamState[] = streamStates.filter((state) => state !== 'ended')

/** Computed at each scrape from the status. Times are in seconds since 1970: their age is `time() - metric`. */
export const scrapedList: readonly ScrapedEntry[] = [
  here(
    'last_live_scan_timestamp_seconds',
    'When a live scan was last completed, or the stream started here if none was',
    (status, clock) => timestamp(status.liveScanAt ?? status.startedAt, clock),
  ),
  here(
    'newest_change_timestamp_seconds',
    'When the newest change that was published was made, by the clock of the server; without a mapped time of day, when it was read; absent before the first',
    ({ newestChange }) => newestChange && newestChange / 1000,
  ),
  ofEach(
    'backed_off_seconds',
    'How long a lane has made no progress because its pages fail; absent otherwise',
    { lane: lanes },
    ({ backedOff }, clock) =>
      Object.entries(backedOff).map(([lane, at]) => [{ lane }, (clock.monotonic() - at) / 1000]),
  ),
  here('index_clients', 'Clients in the client index', ({ indexClients }) => indexClients),
  ofEach(
    'stream_state',
    '1 for the current state of the stream on this replica, 0 for the others; `waiting` if it does not run here',
    { state: 'any' },
    ({ state }) => {
      const exported = state === 'ended' ? 'waiting' : state
      return exportedStates.map((one) => [{ state: one }, exported === one ? 1 : 0])
    },
  ),
  ofEach(
    'stream_failure',
    '1 for the code of the last failure since the last progress; absent if nothing fails',
    { code: 'any' },
    ({ failure }) => (failure ? [[{ code: failure.code }, 1]] : []),
  ),
  {
    ...ofReplica('ready', '1 when /readyz returns 200, otherwise 0'),
    samples: ({ status }) => [[{}, status.isReady() ? 1 : 0]],
  },
  {
    ...ofReplica('build_info', 'Always 1; the labels show the version and the replica', {
      version: 'any',
      replica: 'any',
    }),
    samples: ({ version, replica }) => [[{ version, replica }, 1]],
  },
]

export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  for (const { name, help, labels, samples } of scrapedList) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [registry],
      collect: () => {
        gauge.reset()
        for (const [labelled, value] of samples(parts)) gauge.set(labelled, value)
      },
    })
  }
}

/** In seconds since 1970; `at` is of `Clock.monotonic`. */
const timestamp = (at: number, { now, monotonic }: Clock) => Math.round(now() - (monotonic() - at)) / 1000
