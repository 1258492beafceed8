import type { Clock } from '../../runtime/clock.ts'
import { expiringPermits, type Semaphore, semaphore } from '../../runtime/semaphore.ts'
import type { AssignedEvent } from '../assignment.ts'

/** A replica opens all its streams when it starts or a broker recovers; each needs about ten round trips. */
export const openPolicy = {
  atOnce: 10,
  /** A stream whose opening hangs delays the others by at most this time. */
  expiresMs: 1_000,
  /** The event loop is late if a timer of `probeMs` fires so much later: then heartbeats of the group are late, too. */
  probeMs: 10,
  lateMs: 250,
  /** While the loop stays late, one more stream is opened after this time. */
  latestMs: 10_000,
  /** How often progress is reported while streams wait. */
  reportMs: 5_000,
}

interface OpenLimitParts {
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/** Limits how many streams are opened at the same time, and waits with the next one while the event loop is late. */
export function openLimit({ clock, observe }: OpenLimitParts): Semaphore {
  const report = progressReport({ clock, observe })
  const permits = semaphore(openPolicy.atOnce)
  const pacedPermit = async (stop: AbortSignal) => {
    const permit = await permits.acquire(stop)
    try {
      await untilOnTime(clock, stop)
      return permit
    } catch (error) {
      permit[Symbol.dispose]()
      throw error
    }
  }
  const paced: Semaphore = {
    acquire: async (stop) => {
      report.waits()
      try {
        const permit = await pacedPermit(stop)
        report.begins()
        return permit
      } finally {
        report.waitsNoMore()
      }
    },
  }
  return expiringPermits(paced, { ms: openPolicy.expiresMs, clock })
}

async function untilOnTime(clock: Clock, stop: AbortSignal): Promise<void> {
  const { probeMs, lateMs, latestMs } = openPolicy
  for (const since = clock.monotonic(); ; ) {
    const before = clock.monotonic()
    await clock.sleep(probeMs, stop)
    const now = clock.monotonic()
    if (now - before - probeMs <= lateMs || now - since >= latestMs) return
  }
}

/** Counts from the first stream that waits until none does. */
function progressReport({ clock, observe }: OpenLimitParts) {
  let [waiting, begun, reportedAt] = [0, 0, 0]
  return {
    waits: () => {
      if (waiting === 0) [begun, reportedAt] = [0, clock.monotonic()]
      waiting += 1
    },
    begins: () => {
      begun += 1
    },
    waitsNoMore: () => {
      waiting -= 1
      if (waiting === 0 || clock.monotonic() - reportedAt < openPolicy.reportMs) return
      reportedAt = clock.monotonic()
      observe({ kind: 'streams-opening', begun, waiting })
    },
  }
}
