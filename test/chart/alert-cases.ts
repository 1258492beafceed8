/** Samples of a minute each, in promtool's notation: `1x10` is 1 for eleven minutes, `0+60x5` grows by 60, `_` is none. */
export interface Series {
  /** Without `polaris_connector_`. */
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
  /** What looks like it and is none, by name. */
  readonly silent: Readonly<Record<string, { readonly series: readonly Series[]; readonly at: string }>>
}

const paris = { stream: 'paris' }
const a = { pod: 'a' }
const b = { pod: 'b' }
const state = (pod: object, state: string, values: string): Series => {
  return { metric: 'stream_state', labels: { ...paris, ...pod, state }, values }
}
const nowhere = ['opening', 'running', 'retrying', 'stopped'].map((name) => state(a, name, '0x20'))

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'PolarisConnectorDown',
    fires: { series: [], at: '6m', summary: 'No replica of the connector is running' },
    silent: {
      'one replica is left': { series: [{ metric: 'ready', labels: a, values: '1x20' }], at: '6m' },
      'a replica that is not ready': { series: [{ metric: 'ready', labels: a, values: '0x20' }], at: '6m' },
      'a short gap': { series: [{ metric: 'ready', labels: a, values: '1x2 _x3 1x9' }], at: '9m' },
    },
  },
  {
    alert: 'PolarisStreamStopped',
    fires: {
      series: [state(a, 'stopped', '0x2 1x10'), state(b, 'stopped', '0x20')],
      at: '5m',
      labels: paris,
      summary: 'Stream paris has stopped and waits for an operator',
    },
    silent: { 'a running stream': { series: [state(a, 'stopped', '0x20'), state(a, 'running', '1x20')], at: '5m' } },
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
      'a standby beside the replica that runs it': { series: [...nowhere, state(b, 'running', '1x20')], at: '6m' },
      'a hand-over': { series: [...nowhere, state(b, 'running', '1x2 0x2 1x20')], at: '6m' },
    },
  },
  {
    alert: 'PolarisStreamNotReading',
    fires: {
      series: [{ metric: 'seconds_since_good_poll', labels: paris, values: '0+60x20' }],
      at: '13m',
      labels: paris,
      summary: 'Stream paris has read nothing for 13m 0s',
    },
    silent: {
      'a poll every minute': {
        series: [{ metric: 'seconds_since_good_poll', labels: paris, values: '60x20' }],
        at: '13m',
      },
      'a stopped stream, which has an alert of its own': {
        series: [{ metric: 'seconds_since_good_poll', labels: paris, values: '0+60x20' }, state(a, 'stopped', '1x20')],
        at: '13m',
      },
    },
  },
  {
    alert: 'PolarisStreamNotSaved',
    fires: {
      series: [{ metric: 'checkpoint_age_seconds', labels: paris, values: '0+60x20' }],
      at: '13m',
      labels: paris,
      summary: 'The checkpoint of stream paris was last saved 13m 0s ago',
    },
    silent: {
      'one save a minute': {
        series: [{ metric: 'checkpoint_age_seconds', labels: paris, values: '60x20' }],
        at: '13m',
      },
      'a stopped stream, which has an alert of its own': {
        series: [{ metric: 'checkpoint_age_seconds', labels: paris, values: '0+60x20' }, state(a, 'stopped', '1x20')],
        at: '13m',
      },
    },
  },
  {
    alert: 'PolarisStreamFailing',
    fires: {
      series: [{ metric: 'reopenings_total', labels: { ...paris, code: 'kafka.unreachable' }, values: '0+1x40' }],
      at: '30m',
      labels: { ...paris, code: 'kafka.unreachable' },
      summary: 'Stream paris fails again and again with kafka.unreachable',
    },
    silent: {
      'one failure that passed': {
        series: [{ metric: 'reopenings_total', labels: { ...paris, code: 'kafka.unreachable' }, values: '0x5 1x30' }],
        at: '30m',
      },
    },
  },
  {
    alert: 'PolarisStreamBehind',
    fires: {
      series: [{ metric: 'caught_up', labels: paris, values: '0x150' }],
      at: '121m',
      labels: paris,
      summary: 'Stream paris has been draining for two hours',
    },
    silent: {
      'a drain that ended': { series: [{ metric: 'caught_up', labels: paris, values: '0x90 1 0x50' }], at: '121m' },
    },
  },
  {
    alert: 'PolarisStreamContested',
    fires: {
      series: [{ metric: 'contested_total', labels: paris, values: '0x2 1x20' }],
      at: '5m',
      labels: paris,
      summary: 'Stream paris is taken by somebody outside the group',
    },
    silent: {
      'nobody else': { series: [{ metric: 'contested_total', labels: paris, values: '0x20' }], at: '5m' },
      'one quarrel, long ago': { series: [{ metric: 'contested_total', labels: paris, values: '0 1x90' }], at: '60m' },
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
      summary: 'Clients of stream paris went to the dead-letter topic',
    },
    silent: {
      'none, and a restart': {
        series: [{ metric: 'dead_letters_total', labels: paris, values: '3x4 0x20' }],
        at: '10m',
      },
    },
  },
  {
    alert: 'PolarisLateChanges',
    fires: {
      series: [{ metric: 'warnings_total', labels: { ...paris, kind: 'lateness-high' }, values: '_x5 1x20' }],
      at: '7m',
      labels: paris,
      summary: 'Changes of stream paris show later than half the overlap',
    },
    silent: {
      'another warning': {
        series: [{ metric: 'warnings_total', labels: { ...paris, kind: 'source-moved' }, values: '_x5 1x20' }],
        at: '7m',
      },
      'one, long ago': {
        series: [{ metric: 'warnings_total', labels: { ...paris, kind: 'lateness-high' }, values: '1x120' }],
        at: '90m',
      },
    },
  },
]
