import type { Clock } from '../../../runtime/clock.ts'
import type { PolarisConfig } from '../polaris-config.ts'
import { apiBase } from './read-request.ts'

/** Resolves when the next request to a server may be sent. Rejects with the reason of `stop`. */
export type RequestTurn = (stop: AbortSignal) => Promise<void>

/** The request rates of all servers that this process reads from. */
export interface RequestRates {
  /** The turns of a server (scheme, host and port), which its streams share. */
  of(config: Pick<PolarisConfig, 'url' | 'requestsPerSecond'>): RequestTurn
}

export function requestRates(clock: Clock): RequestRates {
  const servers = new Map<string, RequestTurn>()
  return {
    of: ({ url, requestsPerSecond }) => {
      const { origin } = apiBase(url)
      const turn = servers.get(origin) ?? requestTurn(requestsPerSecond, clock)
      servers.set(origin, turn)
      return turn
    },
  }
}

/** Spaces requests evenly at the rate. */
export function requestTurn(requestsPerSecond: number | undefined, clock: Clock): RequestTurn {
  if (requestsPerSecond === undefined) return async () => {}
  let nextAt = clock.monotonic()
  return async (stop) => {
    const now = clock.monotonic()
    const startAt = Math.max(nextAt, now)
    nextAt = startAt + 1000 / requestsPerSecond
    if (startAt > now) await clock.sleep(startAt - now, stop)
  }
}
