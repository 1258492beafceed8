export interface Panel {
  readonly title: string
  /** What it shows, and what to make of it. */
  readonly description: string
  readonly unit: 'short' | 's' | 'ops' | 'bytes' | 'percentunit'
  /** Legend to query. `$this` is replaced by the selected labels; `$replica` by those of a metric without a stream. */
  readonly queries: Readonly<Record<string, string>>
}

const rate = (metric: string, by: string) =>
  `sum by (${by}) (rate(polaris_connector_${metric}{$this}[$__rate_interval]))`
const increase = (metric: string, by: string) =>
  `sum by (${by}) (increase(polaris_connector_${metric}{$this}[$__rate_interval]))`
const ofReplicas = (query: string) => query.replaceAll('$this', '$replica')
const newest = (metric: string) => `max by (stream) (polaris_connector_${metric}{$this})`
const age = (metric: string) => ({ '{{stream}}': `time() - ${newest(metric)}` })
const quantiles = (metric: string) =>
  Object.fromEntries(
    [0.5, 0.99].map((quantile) => [
      `{{stream}} p${quantile * 100}`,
      `histogram_quantile(${quantile}, ${rate(`${metric}_bucket`, 'stream, le')})`,
    ]),
  )

/** Most important first; two a row. */
export const panels: readonly Panel[] = [
  {
    title: 'Streams by state',
    description: 'Streams in each state, of all replicas. `waiting` is left out: those streams run on another replica.',
    unit: 'short',
    queries: { '{{state}}': 'sum by (state) (polaris_connector_stream_state{$this, state!="waiting"})' },
  },
  {
    title: 'Ready replicas',
    description: 'Replicas whose /readyz returns 200. The status page of a replica (/) shows why it is not ready.',
    unit: 'short',
    queries: { ready: 'sum(polaris_connector_ready{$replica})', replicas: 'count(polaris_connector_ready{$replica})' },
  },
  {
    title: 'Events published',
    description: 'Events a second by kind of scan: live scans publish changes at once, look-backs late ones.',
    unit: 'ops',
    queries: { '{{stream}} {{scan}}': rate('events_total', 'stream, scan') },
  },
  {
    title: 'Clients read, and suppressed as unchanged',
    description: 'Each look-back reads the same clients again; those whose content is unchanged are not published.',
    unit: 'ops',
    queries: {
      '{{stream}}': rate('clients_total', 'stream'),
      '{{stream}} unchanged': rate('suppressed_total', 'stream'),
    },
  },
  {
    title: 'Time since the last page was read',
    description: 'About the poll interval. It grows while Polaris does not answer or a page cannot be delivered.',
    unit: 's',
    queries: age('last_poll_timestamp_seconds'),
  },
  {
    title: 'Time since the checkpoint was saved',
    description: 'At most a minute or two. It grows while the checkpoint store or Kafka is down, or nothing is read.',
    unit: 's',
    queries: age('last_save_timestamp_seconds'),
  },
  {
    title: 'Lag: time since the last complete live scan',
    description: 'How late a change may be published. At most one or two poll intervals when caught up.',
    unit: 's',
    queries: age('last_live_scan_timestamp_seconds'),
  },
  {
    title: 'From modification to event',
    description: 'The service level: how long after its modification a client is published. Changes of live scans.',
    unit: 's',
    queries: quantiles('change_delay_seconds'),
  },
  {
    title: 'Time since the newest change',
    description: 'Of all clients published. Grows while no client changes; an alert fires after a day.',
    unit: 's',
    queries: age('newest_change_timestamp_seconds'),
  },
  {
    title: 'Look-backs that do not keep up',
    description: 'Look-backs that have been due for more than two of their periods: late changes arrive later.',
    unit: 'short',
    queries: { '{{stream}}': newest('look_backs_behind') },
  },
  {
    title: 'Dead letters, and characters that XML forbids',
    description: 'Clients in the dead-letter topic, and characters that were published as U+FFFD.',
    unit: 'short',
    queries: {
      '{{stream}} dead letters': increase('dead_letters_total', 'stream'),
      '{{stream}} characters replaced': increase('replaced_characters_total', 'stream'),
    },
  },
  {
    title: 'Failures by error code',
    description:
      'Of all streams. The runbook has a section for each code; the table above shows which stream fails now.',
    unit: 'ops',
    queries: {
      '{{code}}': ofReplicas(`${rate('failures_total', 'code')} > 0`),
      'checkpoint store retried': ofReplicas(
        'sum(rate(polaris_connector_store_retries_total{$this}[$__rate_interval]))',
      ),
    },
  },
  {
    title: 'Streams reopened, held and read again',
    description: 'Which streams fail. A stream that is reopened repeatedly has an unstable broker, store or network.',
    unit: 'short',
    queries: {
      '{{stream}} reopened': increase('reopenings_total', 'stream'),
      '{{stream}} held': increase('holds_total', 'stream'),
      '{{stream}} read retried': increase('read_retries_total', 'stream'),
    },
  },
  {
    title: 'HTTP responses of Polaris by status',
    description: 'Logins and redirects included. 401: the account. 429: too many requests. 5xx: the server or a proxy.',
    unit: 'ops',
    queries: { '{{status}}': ofReplicas(rate('responses_total', 'status')) },
  },
  {
    title: 'Warnings by kind',
    description:
      'Conditions that need attention some day. The log line of the warning names the stream and what to do.',
    unit: 'short',
    queries: { '{{kind}}': ofReplicas(`${increase('warnings_total', 'kind')} > 0`) },
  },
  {
    title: 'Take-overs and contention',
    description: 'Take-overs follow each rollout. Contention: a process outside the group takes the same stream.',
    unit: 'short',
    queries: {
      '{{stream}} taken over': increase('take_overs_total', 'stream'),
      '{{stream}} contested': increase('contested_total', 'stream'),
    },
  },
  {
    title: 'Time to read a page',
    description:
      'From sending a request to its complete response. High: raise POLARIS_LIMIT or use POLARIS_OUTPUT=json.',
    unit: 's',
    queries: quantiles('read_duration_seconds'),
  },
  {
    title: 'Time to publish a page group',
    description: 'From the start of the delivery to its commit. High: a broker or the checkpoint store is slow.',
    unit: 's',
    queries: quantiles('publish_duration_seconds'),
  },
  {
    title: 'Clients in the index',
    description: 'All clients that were ever published, at most 24 bytes each in memory.',
    unit: 'short',
    queries: { '{{stream}}': newest('index_clients') },
  },
  {
    title: 'Time until certificates expire',
    description: 'Of the last connection to Polaris. After that, no new connection can be opened.',
    unit: 's',
    queries: {
      '{{stream}} {{certificate}}':
        'min by (stream, certificate) (polaris_connector_certificate_expiry_timestamp_seconds{$this}) - time()',
    },
  },
  {
    title: 'Memory',
    description: 'Of each replica, and the part of it that is the client index.',
    unit: 'bytes',
    queries: {
      '{{pod}} {{instance}}': 'process_resident_memory_bytes{$replica}',
      'client index of {{pod}} {{instance}}': 'polaris_connector_index_memory_bytes{$replica}',
    },
  },
  {
    title: 'CPU',
    description: 'Cores used by each replica.',
    unit: 'percentunit',
    queries: { '{{pod}} {{instance}}': 'rate(process_cpu_seconds_total{$replica}[$__rate_interval])' },
  },
]
