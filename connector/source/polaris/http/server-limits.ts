import type { Clock } from '../../../runtime/clock.ts'
import { type Semaphore, semaphore } from '../../../runtime/semaphore.ts'
import type { PolarisConfig } from '../polaris-config.ts'
import { apiBase } from './read-request.ts'

/** Of all streams of this process that read from one server. */
const CONCURRENT_REQUESTS = 8

/** The limits of all servers that this process reads from. */
export interface LimitedServers {
  /** The permits of a server (scheme, host and port), which its streams share. */
  of(config: Pick<PolarisConfig, 'url' | 'requestsPerSecond'>): Semaphore
}

export function limitedServers(clock: Clock): LimitedServers {
  const servers = new Map<string, Semaphore>()
  return {
    of: ({ url, requestsPerSecond }) => {
      const { origin } = apiBase(url)
      const known = servers.get(origin) ?? serverPermits(requestsPerSecond, clock)
      servers.set(origin, known)
      return known
    },
  }
}

/** Limits concurrent requests, and spaces their starts evenly at the rate. */
export function serverPermits(requestsPerSecond: number | undefined, clock: Clock): Semaphore {
  const permits = semaphore(CONCURRENT_REQUESTS)
  if (requestsPerSecond === undefined) return permits
  let nextAt = clock.monotonic()
  return {
    acquire: async (stop) => {
      const permit = await permits.acquire(stop)
      const now = clock.monotonic()
      const startAt = Math.max(nextAt, now)
      nextAt = startAt + 1000 / requestsPerSecond
      try {
        if (startAt > now) await clock.sleep(startAt - now, stop)
        return permit
      } catch (error) {
        permit[Symbol.dispose]()
        throw error
      }
    },
  }
}
