/** One metric of the connector. Each also has the label `connector`. */
export interface MetricEntry {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

const stream = ['stream'] as const
const byScan = ['stream', 'scan'] as const
const entry = (name: string, help: string, labels: readonly string[] = stream): MetricEntry => ({
  name: `polaris_connector_${name}`,
  help,
  labels,
})

export const counterList = {
  pages: entry('pages_total', 'Pages read from Polaris, by kind of scan', byScan),
  emptyPages: entry('empty_pages_total', 'Pages read that contained no client'),
  clients: entry('clients_total', 'Clients read from Polaris, by kind of scan', byScan),
  events: entry('events_total', 'Events published, by kind of scan', byScan),
  deadLetters: entry(
    'dead_letters_total',
    'Clients that could not become an event and were published to the dead-letter topic',
  ),
  suppressed: entry('suppressed_total', 'Clients read again with unchanged content and not published'),
  superseded: entry(
    'superseded_total',
    'Clients not published because a scan that began later had published them; they are read again',
  ),
  foundLate: entry(
    'found_late_total',
    'Changes that a look-back or full scan published although a live scan should have returned them; if the modification time is not mapped or has no time of day, all changes that it published first',
    byScan,
  ),
  transactions: entry(
    'transactions_total',
    'Page groups published, without those that had nothing to publish; in exactly-once mode, committed transactions',
  ),
  scans: entry('scans_total', 'Scans started, by kind', byScan),
  readBytes: entry('read_bytes_total', 'Bytes of decoded responses read from Polaris'),
  replacedCharacters: entry(
    'replaced_characters_total',
    'Characters read from Polaris as U+FFFD because XML forbids them, such as &#x0;',
  ),
  publishedBytes: entry('published_bytes_total', 'Bytes of records published'),
  checkpointSaves: entry('checkpoint_saves_total', 'Checkpoint writes'),
  segments: entry('index_segments_written_total', 'Segments of the client index written to the checkpoint store'),
  segmentBytes: entry('index_written_bytes_total', 'Bytes of segments written to the checkpoint store'),
  requestWait: entry('request_wait_seconds_total', 'Time that requests waited because of the limits in polaris.server'),
  readRetries: entry('read_retries_total', 'Reads retried, by error code', ['stream', 'code']),
  reopenings: entry('reopenings_total', 'Failures after which the stream was reopened, by error code', [
    'stream',
    'code',
  ]),
  holds: entry('holds_total', 'Times the stream was held, by error code', ['stream', 'code']),
  openings: entry('openings_total', 'Attempts to open the stream on this replica'),
  repairs: entry(
    'transaction_repairs_total',
    'Openings of the stream that repaired transactions whose markers Kafka had lost',
  ),
  takeOvers: entry('take_overs_total', 'Claims of the stream that took it over from another replica'),
  losses: entry('losses_total', 'Times the stream was lost to another replica'),
  refusedCheckPoints: entry('refused_check_points_total', 'Times Polaris rejected its own checkPoint'),
  contested: entry(
    'contested_total',
    'Times another process took the stream repeatedly although it is assigned to this replica',
  ),
  storeRetries: entry('store_retries_total', 'Calls to the checkpoint store that failed and were retried', []),
  rebalances: entry('rebalances_total', 'Assignments received from the consumer group', []),
  sessionExpiries: entry('session_expiries_total', 'Times the consumer group session expired', []),
  membershipLosses: entry('membership_losses_total', 'Group membership failures, by error code', ['code']),
  warnings: entry('warnings_total', 'Warnings, by kind', ['stream', 'kind']),
} as const satisfies Record<string, MetricEntry>

interface HistogramEntry extends MetricEntry {
  readonly buckets: readonly number[]
}
const histogram = (metric: MetricEntry, buckets: readonly number[]): HistogramEntry => ({ ...metric, buckets })

export const histogramList = {
  read: histogram(
    entry('read_duration_seconds', 'Time from sending a request to its complete response'),
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  publish: histogram(
    entry('publish_duration_seconds', 'Time from the start of the delivery of a page group to its commit'),
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
  foundLate: histogram(
    entry(
      'found_late_seconds',
      'Time from the modification of a client until a look-back or full scan read it, for changes found late whose time is known',
    ),
    [30, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 93_600, 259_200, 604_800],
  ),
} as const satisfies Record<string, HistogramEntry>

export const gaugeList = {
  checkpointBytes: entry('checkpoint_bytes', 'Size of the last written checkpoint'),
  pageLimit: entry('page_limit', 'Maximum number of clients of the last page, by kind of scan', byScan),
} as const satisfies Record<string, MetricEntry>

/** Computed at each scrape. */
export const scrapedList = {
  sinceGoodPoll: entry(
    'seconds_since_good_poll',
    'Time since the last page was read, or since the stream started here if none was; absent if it does not run here',
  ),
  sinceLiveScan: entry(
    'seconds_since_live_scan',
    'Time since a live scan was completed, or since the stream started here if none was; absent if it does not run here',
  ),
  lookBacksBehind: entry(
    'look_backs_behind',
    'Look-backs that have been due for more than two of their periods and ten minutes; absent if the stream does not run here',
  ),
  indexClients: entry('index_clients', 'Clients in the client index; absent if the stream does not run here'),
  indexMemory: entry('index_memory_bytes', 'Memory of the client index; absent if the stream does not run here'),
  indexSegments: entry('index_segments', 'Stored segments of the client index; absent if the stream does not run here'),
  certificateExpiry: entry(
    'certificate_expiry_timestamp_seconds',
    'When a certificate of the last connection to Polaris expires, in seconds since 1970: of the server, validated (`server`) or with a configured fingerprint (`pinned`); the earliest of its issuers, if POLARIS_CA is set (`ca`); of the connector (`client`). Absent if the stream does not run here',
    ['stream', 'certificate'],
  ),
  checkpointAge: entry(
    'checkpoint_age_seconds',
    'Time since the checkpoint was last saved or a transaction was committed; absent if the stream does not run here',
  ),
  caughtUp: entry(
    'caught_up',
    '1 when caught up, 0 until the backfill is done and during a live scan with changes that is longer than the poll interval; absent if it does not run here',
  ),
  producerOpen: entry(
    'producer_open',
    '1 while the stream has an open Kafka producer, 0 while it is idle or being opened; absent if it does not run here',
  ),
  state: entry('stream_state', '1 for the current state of the stream on this replica, 0 for the others', [
    'stream',
    'state',
  ]),
  assigned: entry('assigned_streams', 'Streams assigned to this replica', []),
  otherConfigurations: entry(
    'replicas_with_other_configuration',
    'Replicas of the consumer group whose configuration differs from that of this replica',
    [],
  ),
  groupState: entry('group_state', '1 for the current state of this replica in the consumer group, 0 for the others', [
    'state',
  ]),
  controlRead: entry(
    'control_read_timestamp_seconds',
    'When this replica last read the control object, in seconds since 1970; absent before the first time',
    [],
  ),
  ready: entry('ready', '1 when /readyz returns 200, otherwise 0', []),
  build: entry('build_info', 'Always 1; the labels show the version and the replica', ['version', 'replica']),
} as const satisfies Record<string, MetricEntry>

const kinds = { counter: counterList, histogram: histogramList, gauge: { ...gaugeList, ...scrapedList } }

/** The metrics reference as a Markdown table, without the process metrics (`process_*`, `nodejs_*`) of prom-client. */
export function describeMetrics(): string {
  const rows = Object.entries(kinds).flatMap(([kind, list]) =>
    Object.values<MetricEntry>(list).map(({ name, labels, help }) => row(name, kind, labels.join(', ') || '–', help)),
  )
  return [row('Metric', 'Type', 'Labels', 'Meaning'), '|---|---|---|---|', ...rows.toSorted(), ''].join('\n')
}

function row(name: string, ...cells: readonly string[]): string {
  return `| ${[name.startsWith('polaris') ? `\`${name}\`` : name, ...cells].join(' | ')} |`
}
