/** One sample a minute, as promtool writes it: `1x10` is 1 for 11 minutes, `0+60x5` grows by 60, `_` is missing. */
export interface Series {
  /** Name without the prefix `polaris_connector_`. */
  readonly metric: string
  readonly labels?: Readonly<Record<string, string>>
  readonly values: string
}

export interface AlertCase {
  readonly alert: string
  readonly fires: {
    readonly series: readonly Series[]
    readonly at: string
    readonly labels?: Readonly<Record<string, string>>
    readonly summary: string
  }
  /** Similar situations in which the alert must not fire, by name. */
  readonly silent: Readonly<Record<string, { readonly series: readonly Series[]; readonly at: string }>>
}

const paris = { stream: 'paris' }
const a = { pod: 'a' }
const b = { pod: 'b' }
const state = (pod: object, state: string, values: string): Series => {
  return { metric: 'stream_state', labels: { ...paris, ...pod, state }, values }
}
/** Tests begin at 1970-01-01. */
const expiry = (certificate: string, values: string): Series => {
  return { metric: 'certificate_expiry_timestamp_seconds', labels: { ...paris, certificate }, values }
}
/** Buckets of the time from a modification to its event, by their upper bounds. */
const delays = (buckets: Readonly<Record<string, string>>): Series[] =>
  Object.entries(buckets).map(([le, values]) => ({
    metric: 'change_delay_seconds_bucket',
    labels: { ...paris, ...a, le },
    values,
  }))
const active = ['opening', 'running', 'retrying', 'held', 'paused']
/** Events of a kind of scan, by the minute. */
const events = (scan: string, values: string): Series => {
  return { metric: 'events_total', labels: { ...paris, ...a, scan }, values }
}
/** The time of the newest change, by the minute; tests begin at 1970-01-01. */
const newestChange = (pod: typeof a, values: string): Series => {
  return { metric: 'newest_change_timestamp_seconds', labels: { ...paris, ...pod }, values }
}
const nowhere = active.map((name) => state(a, name, '0x20'))

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'PolarisConnectorDown',
    fires: { series: [], at: '6m', summary: 'No replica of the connector is running' },
    silent: {
      'a replica that runs': { series: [{ metric: 'ready', labels: a, values: '1x20' }], at: '6m' },
      'a replica that is not ready': { series: [{ metric: 'ready', labels: a, values: '0x20' }], at: '6m' },
      'a short gap': { series: [{ metric: 'ready', labels: a, values: '1x2 _x3 1x9' }], at: '9m' },
    },
  },
  {
    alert: 'PolarisStreamHeld',
    fires: {
      series: [state(a, 'held', '0x2 1x10'), state(b, 'held', '0x20')],
      at: '5m',
      labels: paris,
      summary: 'Stream paris is held until something outside changes',
    },
    silent: { 'a running stream': { series: [state(a, 'held', '0x20'), state(a, 'running', '1x20')], at: '5m' } },
  },
  {
    alert: 'PolarisStreamUnassigned',
    fires: {
      series: [...nowhere, state(a, 'waiting', '1x20')],
      at: '6m',
      labels: paris,
      summary: 'No replica runs stream paris',
    },
    silent: {
      'a standby beside the replica that runs the stream': {
        series: [...nowhere, state(b, 'running', '1x20')],
        at: '6m',
      },
      'a handover': { series: [...nowhere, state(b, 'running', '1x2 0x2 1x20')], at: '6m' },
    },
  },
  {
    alert: 'PolarisStreamNotReading',
    fires: {
      series: [{ metric: 'last_poll_timestamp_seconds', labels: paris, values: '0x20' }],
      at: '13m',
      labels: paris,
      summary: 'Stream paris has read nothing for 13m 0s',
    },
    silent: {
      'a poll every minute': {
        series: [{ metric: 'last_poll_timestamp_seconds', labels: paris, values: '-60+60x20' }],
        at: '13m',
      },
      'a held stream, which has its own alert': {
        series: [{ metric: 'last_poll_timestamp_seconds', labels: paris, values: '0x20' }, state(a, 'held', '1x20')],
        at: '13m',
      },
    },
  },
  {
    alert: 'PolarisStreamNotSaved',
    fires: {
      series: [{ metric: 'last_save_timestamp_seconds', labels: paris, values: '0x20' }],
      at: '13m',
      labels: paris,
      summary: 'The checkpoint of stream paris was last saved 13m 0s ago',
    },
    silent: {
      'one save a minute': {
        series: [{ metric: 'last_save_timestamp_seconds', labels: paris, values: '-60+60x20' }],
        at: '13m',
      },
      'a held stream, which has its own alert': {
        series: [{ metric: 'last_save_timestamp_seconds', labels: paris, values: '0x20' }, state(a, 'held', '1x20')],
        at: '13m',
      },
    },
  },
  {
    alert: 'PolarisStreamFailing',
    fires: {
      series: [{ metric: 'reopenings_total', labels: paris, values: '0+1x40' }],
      at: '30m',
      labels: paris,
      summary: 'Stream paris fails repeatedly',
    },
    silent: {
      'a single failure': {
        series: [{ metric: 'reopenings_total', labels: paris, values: '0x5 1x30' }],
        at: '30m',
      },
    },
  },
  {
    alert: 'PolarisStreamBehind',
    fires: {
      series: [
        { metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '0x60' },
        { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
      ],
      at: '27m',
      labels: paris,
      summary: 'Stream paris has completed no live scan for 27m 0s',
    },
    silent: {
      'a live scan every ten minutes': {
        series: [
          { metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '-600+60x60' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
        ],
        at: '27m',
      },
      'a stream that reads nothing, which has its own alert': {
        series: [
          { metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '0x60' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '0x60' },
        ],
        at: '40m',
      },
      'a held stream, which has its own alert': {
        series: [
          { metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '0x60' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
          state(a, 'held', '1x60'),
        ],
        at: '27m',
      },
    },
  },
  {
    alert: 'PolarisChangesDelayed',
    fires: {
      series: delays({ '60': '0+9x90', '600': '0+9x90', '3600': '0+10x90', '+Inf': '0+10x90' }),
      at: '60m',
      labels: paris,
      summary: 'Changes of stream paris are published late',
    },
    silent: {
      'changes that are published in time': {
        series: delays({ '60': '0+9x90', '600': '0+10x90', '3600': '0+10x90', '+Inf': '0+10x90' }),
        at: '60m',
      },
      'the changes of an outage, which are published after it': {
        series: delays({ '60': '0x90', '600': '0x90', '3600': '0x20 500x70', '+Inf': '0x20 500x70' }),
        at: '45m',
      },
      'a stream without changes': { series: delays({ '600': '5x90', '+Inf': '9x90' }), at: '60m' },
    },
  },
  {
    alert: 'PolarisLookBackBehind',
    fires: {
      series: [
        { metric: 'look_backs_behind', labels: paris, values: '0x5 1x20' },
        { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
      ],
      at: '12m',
      labels: paris,
      summary: 'A look-back of stream paris does not keep up',
    },
    silent: {
      'look-backs that keep up': {
        series: [
          { metric: 'look_backs_behind', labels: paris, values: '0x30' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
        ],
        at: '12m',
      },
      'a look-back that is done soon after an outage': {
        series: [
          { metric: 'look_backs_behind', labels: paris, values: '1x10 0x20' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-900+60x8 539+60x20' },
        ],
        at: '12m',
      },
      'a stream that reads nothing, which has its own alert': {
        series: [
          { metric: 'look_backs_behind', labels: paris, values: '1x30' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-900x30' },
        ],
        at: '12m',
      },
      'a held stream, which has its own alert': {
        series: [
          { metric: 'look_backs_behind', labels: paris, values: '1x30' },
          { metric: 'last_poll_timestamp_seconds', labels: paris, values: '-1+60x60' },
          state(a, 'held', '1x60'),
        ],
        at: '12m',
      },
    },
  },
  {
    alert: 'PolarisStreamContested',
    fires: {
      series: [{ metric: 'contested_total', labels: paris, values: '0x2 1x20' }],
      at: '5m',
      labels: paris,
      summary: 'Stream paris is taken by a process outside the consumer group',
    },
    silent: {
      'a stream without contention': {
        series: [{ metric: 'contested_total', labels: paris, values: '0x20' }],
        at: '5m',
      },
      'contention an hour ago': { series: [{ metric: 'contested_total', labels: paris, values: '0 1x90' }], at: '60m' },
    },
  },
  {
    alert: 'PolarisStreamPaused',
    fires: {
      series: [state(a, 'paused', '1x700 0x900'), state(b, 'paused', '0x700 1x900')],
      at: '25h',
      labels: paris,
      summary: 'Stream paris has been paused for a day',
    },
    silent: { 'a pause of hours': { series: [state(a, 'paused', '1x300 0x1300')], at: '25h' } },
  },
  {
    alert: 'PolarisReplicaNotReady',
    fires: {
      series: [
        { metric: 'ready', labels: a, values: '0x20' },
        { metric: 'ready', labels: b, values: '1x20' },
      ],
      at: '16m',
      labels: a,
      summary: 'Replica a is not ready',
    },
    silent: { 'a slow start': { series: [{ metric: 'ready', labels: a, values: '0x9 1x20' }], at: '16m' } },
  },
  {
    alert: 'PolarisDeadLetters',
    fires: {
      series: [{ metric: 'dead_letters_total', labels: paris, values: '0x2 3x20' }],
      at: '5m',
      labels: paris,
      summary: 'Clients of stream paris were published to the dead-letter topic',
    },
    silent: {
      'a counter reset by a restart': {
        series: [{ metric: 'dead_letters_total', labels: paris, values: '3x4 0x20' }],
        at: '10m',
      },
    },
  },
  {
    alert: 'PolarisReplacedCharacters',
    fires: {
      series: [{ metric: 'replaced_characters_total', labels: paris, values: '0x2 3x20' }],
      at: '5m',
      labels: paris,
      summary: 'Clients of stream paris contain characters that XML forbids',
    },
    silent: {
      'characters more than an hour ago': {
        series: [{ metric: 'replaced_characters_total', labels: paris, values: '0x2 3x90' }],
        at: '80m',
      },
    },
  },
  {
    alert: 'PolarisLookBacksFindMore',
    fires: {
      series: [events('live', '0x400'), events('look-back', '0x360 60x40')],
      at: '380m',
      labels: paris,
      summary: 'Look-backs of stream paris publish more changes than live scans do',
    },
    silent: {
      'a busy day on which some changes become visible late': {
        series: [events('live', '0+1x400'), events('look-back', '0x360 60x40')],
        at: '380m',
      },
      'a few late changes at night': {
        series: [events('live', '0x400'), events('look-back', '0x360 9x40')],
        at: '380m',
      },
      'late changes of the day before': {
        series: [events('live', '0x1500'), events('look-back', '0x10 60x1490')],
        at: '1000m',
      },
    },
  },
  {
    alert: 'PolarisNoChange',
    fires: {
      series: [newestChange(a, '0+60x10 600x1500'), state(a, 'running', '1x1510')],
      at: '1460m',
      labels: paris,
      summary: 'No client of stream paris has changed for 1d 0h 10m 0s',
    },
    silent: {
      'a stream whose clients change': {
        series: [newestChange(a, '0+60x1510'), state(a, 'running', '1x1510')],
        at: '1460m',
      },
      'a stream that moved to another replica, where clients change': {
        series: [
          newestChange(a, '0+60x10 600x30 _x1460'),
          newestChange(b, '_x1400 84000x100'),
          state(a, 'running', '1x40 0x1460'),
          state(b, 'running', '0x40 1x1460'),
        ],
        at: '1460m',
      },
      'a stream that is paused': {
        series: [newestChange(a, '0+60x10 600x1500'), state(a, 'paused', '1x1510'), state(a, 'running', '0x1510')],
        at: '1460m',
      },
    },
  },
  {
    alert: 'PolarisCertificateExpiring',
    fires: {
      series: [expiry('server', '9000000x20'), expiry('client', '1000000x20')],
      at: '6m',
      labels: { ...paris, certificate: 'client' },
      summary: 'A certificate of stream paris expires in 11d 13h 40m 40s (client)',
    },
    silent: {
      'certificates that are valid for more than 14 days': {
        series: [expiry('server', '1300000x20'), expiry('pinned', '1300000x20')],
        at: '6m',
      },
      'a pinned certificate that has expired, which is accepted': { series: [expiry('pinned', '0x20')], at: '6m' },
    },
  },
]
