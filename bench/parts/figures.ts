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
