import { readFileSync } from 'node:fs'

/** How late the event loop of the connector ran its timers, in ms. */
export interface LoopDelay {
  /** From the start of the scan to its first events: while the first page is read and decoded. */
  readonly reading: { readonly p99Ms: number; readonly longestMs: number }
  /** After that. */
  readonly publishing: { readonly longestMs: number }
}

const NONE = { p99Ms: Number.NaN, longestMs: Number.NaN }
const WINDOW_MS = 1_000

/** Reads the metrics of a connector; each reading begins a new window. The first window is the start-up. */
export function loopDelayOf(logFile: string) {
  let windowAt: number | undefined
  let reading: LoopDelay['reading'] | undefined
  let longestMs = 0
  const endWindow = async (port: number) => {
    windowAt = performance.now()
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const metric = (name: string) =>
      1000 * Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1])
    return { p99Ms: metric('p99'), longestMs: metric('max') }
  }
  return {
    /** To be called all the time. */
    sample: async (hasEvents: boolean) => {
      const port = portIn(readFileSync(logFile, 'utf8'))
      if (port === undefined) return
      if (windowAt === undefined) await endWindow(port)
      else if (hasEvents && reading === undefined) reading = await endWindow(port)
      else if (hasEvents && performance.now() - windowAt >= WINDOW_MS)
        longestMs = Math.max(longestMs, (await endWindow(port)).longestMs)
    },
    result: (): LoopDelay => ({ reading: reading ?? NONE, publishing: { longestMs } }),
  }
}

/** The port of the metrics, once the stream has begun to read. */
function portIn(log: string): number | undefined {
  const lines = log.split('\n')
  const started = lines.find((line) => line.includes('"connector started"'))
  if (started === undefined || !lines.some((line) => line.includes('"scan started"'))) return undefined
  return (JSON.parse(started) as { port: number }).port
}
