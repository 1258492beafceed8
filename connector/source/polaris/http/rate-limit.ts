import type { Clock } from '../../../runtime/clock.ts'
import { type Semaphore, semaphore } from '../../../runtime/semaphore.ts'
import type { PolarisConfig, ServerLimits } from '../polaris-config.ts'
import { apiBase } from './read-request.ts'

/** One semaphore per server origin: the streams that read from one server share its permits. */
export function serverLimits(clock: Clock): (config: Pick<PolarisConfig, 'url' | 'limits'>) => Semaphore {
  const servers = new Map<string, Semaphore>()
  return ({ url, limits }) => {
    const { origin } = apiBase(url)
    const known = servers.get(origin) ?? rateLimit(limits, clock)
    servers.set(origin, known)
    return known
  }
}

/** Limits concurrent requests and spaces their starts evenly at the rate; first come, first served. */
export function rateLimit({ concurrentRequests, requestsPerSecond }: ServerLimits, clock: Clock): Semaphore {
  const permits = semaphore(concurrentRequests)
  if (requestsPerSecond === undefined) return permits
  const gapMs = 1000 / requestsPerSecond
  const starts = semaphore(1)
  let nextAt = clock.monotonic()
  return {
    acquire: async (stop) => {
      const permit = await permits.acquire(stop)
      try {
        using _start = await starts.acquire(stop)
        await clock.sleep(Math.max(0, nextAt - clock.monotonic()), stop)
        nextAt = clock.monotonic() + gapMs
        return permit
      } catch (error) {
        permit[Symbol.dispose]()
        throw error
      }
    },
  }
}
