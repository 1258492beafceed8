/** Result of one run of the connector or of the plain loop. */
export interface Figures {
  readonly perSecond: number
  /** CPU seconds of the process per million clients. */
  readonly cpuPerMillion: number
  readonly peakMegabytes: number
}

/** Progress of a run at one moment. */
export interface Sample {
  /** Monotonic. */
  readonly atMs: number
  /** Since the process started. */
  readonly cpuSeconds: number
  /** Share of the run that is done: 0 to 1. */
  readonly share: number
}

/** First share of each run that is not measured: the code is still being compiled. */
const WARM_UP = 0.25

/** Rate and cost of a run after its warm-up; the last sample is its end. */
export function figuresOf(samples: readonly Sample[], run: { clients: number; peakMegabytes: number }): Figures {
  const from = samples.find(({ share }) => share >= WARM_UP)
  const to = samples.at(-1)
  if (from === undefined || to === undefined || from === to) throw new Error('run too short to measure')
  const clients = (to.share - from.share) * run.clients
  return {
    perSecond: (clients * 1000) / (to.atMs - from.atMs),
    cpuPerMillion: ((to.cpuSeconds - from.cpuSeconds) * 1e6) / clients,
    peakMegabytes: run.peakMegabytes,
  }
}

/** Lower median of each figure. */
export function median(figures: readonly Figures[]): Figures {
  const middle = (of: (one: Figures) => number) =>
    figures.map(of).sort((one, other) => one - other)[(figures.length - 1) >> 1] ?? Number.NaN
  return {
    perSecond: middle((one) => one.perSecond),
    cpuPerMillion: middle((one) => one.cpuPerMillion),
    peakMegabytes: middle((one) => one.peakMegabytes),
  }
}

interface Row {
  readonly name: string
  readonly clients: number
  readonly connector: Figures
  readonly walk: Figures
}

/** A Markdown table with one row a case. */
export function tableOf(rows: readonly Row[]): string {
  const head = ['case', 'clients', 'events/s', 'CPU s per million', 'peak RSS MB', 'walk, clients/s', 'walk, CPU s']
  const cells = rows.map(({ name, clients, connector, walk }) => [
    name,
    whole(clients),
    whole(connector.perSecond),
    connector.cpuPerMillion.toFixed(1),
    whole(connector.peakMegabytes),
    whole(walk.perSecond),
    walk.cpuPerMillion.toFixed(1),
  ])
  const lines = [head, head.map((_, at) => (at === 0 ? '---' : '--:')), ...cells]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

const whole = (value: number) => Math.round(value).toLocaleString('en')
