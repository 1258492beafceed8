/** One metric of the connector. Every one has the label `connector` besides those named here. */
export interface MetricEntry {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

const stream = ['stream'] as const
const entry = (name: string, help: string, labels: readonly string[] = stream): MetricEntry => ({
  name: `polaris_connector_${name}`,
  help,
  labels,
})

export const counterList = {
  pages: entry('pages_total', 'Pages read from the source'),
  emptyPages: entry('empty_pages_total', 'Pages read that held no client'),
  clients: entry('clients_total', 'Clients read from the source'),
  events: entry('events_total', 'Events published'),
  deadLetters: entry('dead_letters_total', 'Clients that could not become an event and went to the dead-letter topic'),
  suppressed: entry('suppressed_total', 'Clients read again unchanged, and dropped'),
  transactions: entry(
    'transactions_total',
    'Groups of pages with something to publish, published: transactions, when exactly-once',
  ),
  drains: entry('drains_total', 'Drains started, one per poll'),
  readBytes: entry('read_bytes_total', 'Bytes of decoded answers read'),
  publishedBytes: entry('published_bytes_total', 'Bytes of records published'),
  checkpointSaves: entry('checkpoint_saves_total', 'Writes of the checkpoint'),
  windowOverflow: entry('window_overflow_total', 'Entries that fell out of the full window'),
  requestWait: entry(
    'request_wait_seconds_total',
    'How long requests waited for their turn, by the limits of their server',
  ),
  readRetries: entry('read_retries_total', 'Reads tried again, by what failed', ['stream', 'code']),
  reopenings: entry('reopenings_total', 'Failures after which the stream was opened again', ['stream', 'code']),
  stops: entry('stops_total', 'Failures that stopped the stream for an operator', ['stream', 'code']),
  openings: entry('openings_total', 'Attempts to open the stream on this replica'),
  takeOvers: entry('take_overs_total', 'Claims of the stream after another replica had it'),
  losses: entry('losses_total', 'Times that the stream was lost to another replica'),
  refusedCheckPoints: entry('refused_check_points_total', 'Times that the source refused its own checkPoint'),
  contested: entry(
    'contested_total',
    'Times that the stream, assigned here, was taken by another owner again and again',
  ),
  storeRetries: entry('store_retries_total', 'Calls to the checkpoint store that failed and were tried again', []),
  rebalances: entry('rebalances_total', 'Assignments that this replica got from the group', []),
  sessionExpiries: entry('session_expiries_total', 'Times that the group was silent for longer than a session', []),
  groupBreaks: entry('group_breaks_total', 'News of a broken membership of the group, by what failed', ['code']),
  warnings: entry('warnings_total', 'Conditions that are warned about, by kind of event', ['stream', 'kind']),
} as const satisfies Record<string, MetricEntry>

interface HistogramEntry extends MetricEntry {
  readonly buckets: readonly number[]
}
const histogram = (metric: MetricEntry, buckets: readonly number[]): HistogramEntry => ({ ...metric, buckets })

export const histogramList = {
  read: histogram(
    entry('read_duration_seconds', 'From sending a request to its complete answer'),
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  publish: histogram(
    entry('publish_duration_seconds', 'From a group of pages with something to publish to its decision'),
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
  lateness: histogram(
    entry(
      'lateness_seconds',
      'From the modification of a client to its reading, where the modification time is mapped',
    ),
    [1, 5, 10, 30, 60, 150, 300, 600, 1800, 3600, 7200, 21_600, 86_400],
  ),
} as const satisfies Record<string, HistogramEntry>

export const gaugeList = {
  lastLateness: entry('last_lateness_seconds', 'The lateness told last'),
  checkpointBytes: entry('checkpoint_bytes', 'Size of the checkpoint written last'),
} as const satisfies Record<string, MetricEntry>

/** Computed when somebody asks. */
export const scrapedList = {
  sinceGoodPoll: entry(
    'seconds_since_good_poll',
    'Since the last page read, or since the stream was begun here when there was none; absent when it is not here',
  ),
  checkpointAge: entry(
    'checkpoint_age_seconds',
    'Since the checkpoint was last saved or decided; absent when the stream is not here',
  ),
  caughtUp: entry(
    'caught_up',
    '1 when caught up, 0 in the first drain here and in one that outlasts the poll interval; absent when the stream is not here',
  ),
  session: entry(
    'session_open',
    '1 while the stream has a producer with its connections, 0 while it is idle or being opened; absent when it is not here',
  ),
  state: entry('stream_state', '1 for the state that the stream is in on this replica, 0 for the others', [
    'stream',
    'state',
  ]),
  assigned: entry('assigned_streams', 'Streams that are assigned to this replica', []),
  groupState: entry('group_state', '1 for what this replica is in the group, 0 for the others', ['state']),
  ready: entry('ready', '1 when /readyz says ready, else 0', []),
  build: entry('build_info', 'Always 1; the labels say what runs', ['version', 'replica']),
} as const satisfies Record<string, MetricEntry>

const kinds = { counter: counterList, histogram: histogramList, gauge: { ...gaugeList, ...scrapedList } }

/** The reference of the metrics: a Markdown table, without the process metrics (`process_*`, `nodejs_*`) that prom-client adds. */
export function describeMetrics(): string {
  const rows = Object.entries(kinds).flatMap(([kind, list]) =>
    Object.values<MetricEntry>(list).map(({ name, labels, help }) => row(name, kind, labels.join(', ') || '–', help)),
  )
  return [row('Metric', 'Type', 'Labels', 'Meaning'), '|---|---|---|---|', ...rows.toSorted(), ''].join('\n')
}

function row(name: string, ...cells: readonly string[]): string {
  return `| ${[name.startsWith('polaris') ? `\`${name}\`` : name, ...cells].join(' | ')} |`
}
