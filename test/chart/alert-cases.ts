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
const active = ['opening', 'running', 'retrying', 'held', 'paused']
/** Events of a lane, by the minute. */
const events = (lane: string, values: string): Series => {
  return { metric: 'events_total', labels: { ...paris, ...a, lane }, values }
}
/** The time of the newest change, by the minute; tests begin at 1970-01-01. */
const newestChange = (pod: typeof a, values: string): Series => {
  return { metric: 'newest_change_timestamp_seconds', labels: { ...paris, ...pod }, values }
}
const failure = (code: string, values: string): Series => {
  return { metric: 'stream_failure', labels: { ...paris, ...a, code }, values }
}
const nowhere = active.map((name) => state(a, name, '0x20'))

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'PolarisConnectorDown',
    fires: { series: [], at: '6m', summary: 'No replica of the connector is running' },
    silent: {
      'a replica that is not ready': { series: [{ metric: 'ready', labels: a, values: '0x20' }], at: '6m' },
      'a short gap': { series: [{ metric: 'ready', labels: a, values: '1x2 _x3 1x9' }], at: '9m' },
    },
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
      'late changes of the day before': {
        series: [events('live', '0x1500'), events('look-back', '0x10 60x1490')],
        at: '1000m',
      },
    },
  },
  {
    alert: 'PolarisStreamHeld',
    fires: {
      series: [state(a, 'held', '0x2 1x10'), state(b, 'held', '0x20')],
      at: '4m',
      labels: paris,
      summary: 'Stream paris is held until something outside changes',
    },
    silent: {
      'a running stream': { series: [state(a, 'held', '0x20'), state(a, 'running', '1x20')], at: '9m' },
      'a hold that is over': { series: [state(a, 'held', '0x2 1x3 0x20')], at: '9m' },
    },
  },
  {
    alert: 'PolarisStreamFailing',
    fires: {
      // Another code does not begin the fifteen minutes again.
      series: [failure('publish.failed', '_x2 1x10 _x20'), failure('storage.unavailable', '_x12 1x20')],
      at: '20m',
      labels: paris,
      summary: 'Stream paris has failed again and again for 15 minutes',
    },
    silent: {
      'an outage that is over': { series: [failure('publish.failed', '_x2 1x10 _x20')], at: '20m' },
      'a held stream, which has its own alert': {
        series: [failure('source.mapping', '1x30'), state(a, 'held', '1x30')],
        at: '20m',
      },
    },
  },
  {
    alert: 'PolarisStreamBehind',
    fires: {
      series: [{ metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '0x60' }],
      at: '27m',
      labels: paris,
      summary: 'Stream paris has completed no live scan for 27m 0s',
    },
    silent: {
      'a live scan every ten minutes': {
        series: [{ metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '-600+60x60' }],
        at: '27m',
      },
      'a held stream, which has its own alert': {
        series: [
          { metric: 'last_live_scan_timestamp_seconds', labels: paris, values: '0x60' },
          state(a, 'held', '1x60'),
        ],
        at: '27m',
      },
    },
  },
  {
    alert: 'PolarisScanBackedOff',
    fires: {
      series: [{ metric: 'backed_off_seconds', labels: { ...paris, ...a, lane: 'history' }, values: '0+60x90' }],
      at: '62m',
      labels: { ...paris, lane: 'history' },
      summary: 'A scan of stream paris has made no progress for 1h 2m 0s (history)',
    },
    silent: {
      'a scan that has failed for half an hour': {
        series: [{ metric: 'backed_off_seconds', labels: { ...paris, ...a, lane: 'history' }, values: '0+60x30 _x60' }],
        at: '62m',
      },
    },
  },
  {
    alert: 'PolarisStreamContested',
    fires: {
      series: [{ metric: 'contested_total', labels: paris, values: '0x2 1 2 3 4x20' }],
      at: '10m',
      labels: paris,
      summary: 'Stream paris is taken by a process outside the consumer group',
    },
    silent: {
      'a replica that returns after a loss of its network': {
        series: [{ metric: 'contested_total', labels: paris, values: '0x2 1 2x20' }],
        at: '10m',
      },
      'contention an hour ago': { series: [{ metric: 'contested_total', labels: paris, values: '0 9x90' }], at: '60m' },
    },
  },
  {
    alert: 'PolarisNoChange',
    fires: {
      series: [newestChange(a, '0+60x10 600x1500')],
      at: '1460m',
      labels: paris,
      summary: 'No client of stream paris has changed for 1d 0h 10m 0s',
    },
    silent: {
      'a stream that moved to another replica, where clients change': {
        series: [newestChange(a, '0+60x10 600x30 _x1460'), newestChange(b, '_x1400 84000x100')],
        at: '1460m',
      },
      'a replica that restarted, and knows when the stream was created': {
        series: [newestChange(a, '0+60x10 600x600 _x900'), newestChange(b, '_x611 0x900')],
        at: '1446m',
      },
      'a held stream, which has its own alert': {
        series: [newestChange(a, '0+60x10 600x1500'), state(a, 'held', '1x1510')],
        at: '1460m',
      },
    },
  },
]
