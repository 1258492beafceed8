import type { Clock, Deadline } from '../../../runtime/clock.ts'
import { disposableOnce } from '../../../runtime/semaphore.ts'
import type { ObserveSource, ServerPermits, Turn } from '../../client-source.ts'
import type { PolarisConfig, ServerLimits } from '../polaris-config.ts'
import { type ApiRequest, apiBase } from './read-request.ts'

/** The limits of all servers that this process reads from. */
export interface LimitedServers {
  /** The streams that read from one server (scheme, host and port) share its permits. */
  of(config: Pick<PolarisConfig, 'url' | 'limits'>): ServerPermits
  /** How many replicas read from each server, by its origin. Its limits are divided by this number. */
  share(replicas: ReadonlyMap<string, number>): void
}

export function limitedServers(clock: Clock): LimitedServers {
  const servers = new Map<string, RateLimit>()
  let replicas: ReadonlyMap<string, number> = new Map()
  const shared = (origin: string, limit: RateLimit) => limit.share(replicas.get(origin) ?? 1)
  return {
    of: ({ url, limits }) => {
      const { origin } = apiBase(url)
      const known = servers.get(origin) ?? rateLimit(limits, clock)
      servers.set(origin, known)
      shared(origin, known)
      return known
    },
    share: (now) => {
      replicas = now
      for (const [origin, limit] of servers) shared(origin, limit)
    },
  }
}

interface RateLimit extends ServerPermits {
  /** Divides the limits by this number of replicas; each may always send one request at a time. */
  share(replicas: number): void
}

/** Limits concurrent requests and spaces their starts evenly at the rate. Live reads go first. */
export function rateLimit(limits: ServerLimits, clock: Clock): RateLimit {
  const waiting = turns()
  let replicas = 1
  let sent = 0
  let nextAt = clock.monotonic()
  let due: Deadline | undefined
  const grantAll = () => {
    while (sent < Math.max(1, Math.floor(limits.concurrentRequests / replicas)) && waiting.size() > 0) {
      const pauseMs = nextAt - clock.monotonic()
      if (pauseMs > 0) return grantAfter(pauseMs)
      nextAt = clock.monotonic() + gapMs(limits, replicas)
      sent += 1
      waiting.grantNext()
    }
  }
  const grantAfter = (ms: number) => {
    if (due !== undefined) return
    due = clock.deadline(ms)
    const isDue = () => {
      due = undefined
      grantAll()
    }
    due.signal.addEventListener('abort', isDue, { once: true })
  }
  /** No timer keeps the process from ending. */
  const cancelled = () => {
    if (waiting.size() > 0) return
    due?.[Symbol.dispose]()
    due = undefined
  }
  const release = () => {
    sent -= 1
    grantAll()
  }
  return {
    acquire: async (stop, turn = 'live') => {
      const granted = waiting.add(turn, stop)
      grantAll()
      await granted.catch((error: unknown) => {
        cancelled()
        throw error
      })
      return disposableOnce(release)
    },
    share: (now) => {
      replicas = now
      grantAll()
    },
  }
}

const gapMs = ({ requestsPerSecond }: ServerLimits, replicas: number) =>
  requestsPerSecond === undefined ? 0 : (1000 * replicas) / requestsPerSecond

/** Background reads keep a fifth. */
const LIVE_IN_A_ROW = 4

/** Requests that wait: live ones first, in the order of their arrival. */
function turns() {
  const queues: Record<Turn, Set<() => void>> = { live: new Set(), background: new Set() }
  let liveInARow = 0
  const nextTurn = (): Turn => {
    if (queues.background.size === 0) return 'live'
    return queues.live.size === 0 || liveInARow >= LIVE_IN_A_ROW ? 'background' : 'live'
  }
  return {
    size: () => queues.live.size + queues.background.size,
    /** Resolves when it is granted. Rejects with the reason of `stop`. */
    add: (turn: Turn, stop: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        if (stop.aborted) return reject(stop.reason)
        const grant = () => {
          stop.removeEventListener('abort', cancel)
          resolve()
        }
        const cancel = () => {
          queues[turn].delete(grant)
          reject(stop.reason)
        }
        stop.addEventListener('abort', cancel, { once: true })
        queues[turn].add(grant)
      }),
    grantNext: () => {
      const turn = nextTurn()
      const [grant] = queues[turn]
      if (grant === undefined) return
      liveInARow = turn === 'live' && queues.background.size > 0 ? liveInARow + 1 : 0
      queues[turn].delete(grant)
      grant()
    },
  }
}

export interface LimitParts {
  readonly permits: ServerPermits
  readonly clock: Clock
  readonly observe: ObserveSource
  /** The poll interval of the stream; absent: waits longer than it are not reported. */
  readonly intervalMs?: number | undefined
}

/** A permit for a request. Waits of 1 ms or more are reported. */
export async function permitted(
  { permits, clock, observe, intervalMs = Number.POSITIVE_INFINITY }: LimitParts,
  { turn = 'live' }: Pick<ApiRequest, 'turn'>,
  stop: AbortSignal,
): Promise<Disposable> {
  const waitingSince = clock.monotonic()
  const permit = await permits.acquire(stop, turn)
  const ms = clock.monotonic() - waitingSince
  if (ms >= 1) observe({ kind: 'request-waited', ms })
  if (ms > intervalMs) observe({ kind: 'request-waited-long', turn, waitedMs: ms })
  return permit
}
