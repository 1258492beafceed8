import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../runtime/clock.ts'
import type { WatchedStream } from '../health.ts'
import { groupStates } from '../replica-status.ts'
import type { ReplicaWatch } from '../replica-watch.ts'
import { lookBackReports } from '../scan-status.ts'
import { isActive } from '../stream-status.ts'
import { type MetricEntry, ofReplica, ofStream } from './metric-list.ts'
import { certificateSamples, type Sample, stateSamples } from './stream-samples.ts'

interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  /** The current state of this replica and all its streams. */
  readonly watch: ReplicaWatch
}

interface ScrapedEntry extends MetricEntry {
  readonly samples: (parts: ScrapedParts) => readonly Sample[]
}

/** A gauge of each stream that runs here; undefined: the stream has none. */
function here(
  name: string,
  help: string,
  value: (watched: WatchedStream, clock: Clock) => number | undefined,
): ScrapedEntry {
  return {
    ...ofStream(name, help),
    samples: ({ watch, clock }) =>
      active(watch).flatMap((watched): Sample[] => {
        const found = value(watched, clock)
        return found === undefined ? [] : [[{ stream: watched.stream }, found]]
      }),
  }
}

/** A gauge of this replica; undefined: it has none. */
function replica(name: string, help: string, value: (watch: ReplicaWatch) => number | undefined): ScrapedEntry {
  const samples = ({ watch }: ScrapedParts): Sample[] => {
    const found = value(watch)
    return found === undefined ? [] : [[{}, found]]
  }
  return { ...ofReplica(name, help), samples }
}

const onlyHere = 'absent if the stream does not run here'

/** Computed at each scrape from the state of the streams. Times are in seconds since 1970: their age is `time() - metric`. */
export const scrapedList = {
  lastPoll: here(
    'last_poll_timestamp_seconds',
    `When the last page was read, or the stream started here if none was; ${onlyHere}`,
    ({ status }, clock) => timestamp(status.goodPollAt ?? status.startedAt, clock),
  ),
  lastLiveScan: here(
    'last_live_scan_timestamp_seconds',
    `When a live scan was last completed, or the stream started here if none was; ${onlyHere}`,
    ({ status }, clock) => timestamp(status.liveScanAt ?? status.startedAt, clock),
  ),
  newestChange: here(
    'newest_change_timestamp_seconds',
    `When the newest change that was published was made, by the clock of the server; without a mapped time of day, when it was read; absent before the first, or if the stream does not run here`,
    ({ status }) => inSeconds(status.newestChange),
  ),
  lastSave: here(
    'last_save_timestamp_seconds',
    `When the checkpoint was last saved or a transaction was committed; ${onlyHere}`,
    ({ status: { savedAt } }, clock) => (savedAt === undefined ? undefined : timestamp(savedAt, clock)),
  ),
  lookBacksBehind: here(
    'look_backs_behind',
    `Look-backs that have been due for more than two of their periods and ten minutes; ${onlyHere}`,
    ({ status: { scans }, poll }, clock) =>
      scans && lookBackReports(scans, poll, clock).filter(({ isBehind }) => isBehind).length,
  ),
  indexClients: here(
    'index_clients',
    `Clients in the client index; ${onlyHere}`,
    ({ status }) => status.index?.clients,
  ),
  caughtUp: here(
    'caught_up',
    `1 when caught up, 0 until the backfill is done and during a live scan with changes that is longer than the poll interval; ${onlyHere}`,
    ({ status }) => (status.isCaughtUp ? 1 : 0),
  ),
  certificateExpiry: {
    ...ofStream(
      'certificate_expiry_timestamp_seconds',
      `When a certificate of the last connection to Polaris expires: of the server, validated (\`server\`) or with a configured fingerprint (\`pinned\`); the earliest of its issuers, if POLARIS_CA is set (\`ca\`); of the connector (\`client\`); ${onlyHere}`,
      { certificate: 'any' },
    ),
    samples: ({ watch }) => active(watch).flatMap(certificateSamples),
  },
  state: {
    ...ofStream(
      'stream_state',
      '1 for the current state of the stream on this replica, 0 for the others; `waiting` if it does not run here',
      { state: 'any' },
    ),
    samples: ({ watch }) => watch.streams().flatMap(stateSamples),
  },
  failure: {
    ...ofStream(
      'stream_failure',
      '1 for the code of the last failure since the last progress, or of why the replica is out of the consumer group; absent if nothing fails or the stream does not run here',
      { code: 'any' },
    ),
    samples: ({ watch }) =>
      watch
        .health()
        .streams.flatMap(({ stream, code }): Sample[] => (code === undefined ? [] : [[{ stream, code }, 1]])),
  },
  indexMemory: replica('index_memory_bytes', 'Memory of the client indexes of all streams that run here', (watch) =>
    active(watch).reduce((sum, { status }) => sum + (status.index?.memoryBytes ?? 0), 0),
  ),
  assigned: replica('assigned_streams', 'Streams assigned to this replica', (watch) => watch.group().streams.size),
  groupState: {
    ...ofReplica('group_state', '1 for the current state of this replica in the consumer group, 0 for the others', {
      state: 'any',
    }),
    samples: ({ watch }) => groupStates.map((state) => [{ state }, watch.group().state === state ? 1 : 0]),
  },
  ready: replica('ready', '1 when /readyz returns 200, otherwise 0', (watch) => (watch.health().ready ? 1 : 0)),
  build: {
    ...ofReplica('build_info', 'Always 1; the labels show the version and the replica', {
      version: 'any',
      replica: 'any',
    }),
    samples: ({ version, replica }) => [[{ version, replica }, 1]],
  },
} as const satisfies Readonly<Record<string, ScrapedEntry>>

export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  for (const { name, help, labels, samples } of Object.values<ScrapedEntry>(scrapedList)) {
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

const active = (watch: ReplicaWatch) => watch.streams().filter(({ status }) => isActive(status))

/** In seconds since 1970; `at` is of `Clock.monotonic`. */
const timestamp = (at: number, { now, monotonic }: Clock) => Math.round(now() - (monotonic() - at)) / 1000

const inSeconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)
