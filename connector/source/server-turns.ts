import type { Clock } from '../runtime/clock.ts'
import { type Turns, turns } from '../runtime/turns.ts'
import type { HttpCaller } from './http-caller.ts'
import type { PolarisConfig, ServerLimits } from './polaris-config.ts'
import { apiBase } from './read-request.ts'
import type { ObserveSource } from './source-event.ts'

/** The turns of each server, by its origin: the streams that read from one server share them. */
export function serverTurns(clock: Clock): (config: Pick<PolarisConfig, 'url' | 'limits'>) => Turns {
  const servers = new Map<string, Turns>()
  return ({ url, limits }) => {
    const { origin } = apiBase(url)
    const known = servers.get(origin) ?? limitedTurns(limits, clock)
    servers.set(origin, known)
    return known
  }
}

/** So many at a time, and each so long after the one before as the rate asks for; first come, first served. */
export function limitedTurns({ concurrentRequests, requestsPerSecond }: ServerLimits, clock: Clock): Turns {
  const places = turns(concurrentRequests)
  if (requestsPerSecond === undefined) return places
  const gapMs = 1000 / requestsPerSecond
  const starts = turns(1)
  let nextAt = clock.monotonic()
  return {
    take: async (stop) => {
      const place = await places.take(stop)
      try {
        using _start = await starts.take(stop)
        await clock.sleep(Math.max(0, nextAt - clock.monotonic()), stop)
        nextAt = clock.monotonic() + gapMs
        return place
      } catch (error) {
        place[Symbol.dispose]()
        throw error
      }
    },
  }
}

/** Each call waits for a turn of its server, which is told where it takes some time, and holds it until the whole answer is there. */
export function takingTurns(
  caller: HttpCaller,
  { turns, clock, observe }: { turns: Turns; clock: Clock; observe: ObserveSource },
): HttpCaller {
  return {
    ...caller,
    call: async (request, stop) => {
      const asked = clock.monotonic()
      using _turn = await turns.take(stop)
      const ms = clock.monotonic() - asked
      if (ms >= 1) observe({ kind: 'request-waited', ms })
      return await caller.call(request, stop)
    },
  }
}
