import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { untilAborted } from '../../connector/runtime/abort.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { retry } from '../../connector/runtime/retry.ts'
import { semaphore } from '../../connector/runtime/semaphore.ts'
import { graceAfter } from '../../connector/runtime/shutdown.ts'
import { storeCall } from '../../connector/storage/store-call.ts'
import { createAssignment } from '../../connector/stream/run-streams.ts'
import { collectGarbage } from '../support/garbage.ts'

/** Checks that waiting leaves nothing on the heap while the process, and with it the `stop` signal, continues. */

/** Bytes in use once finalizers have run and nothing more can be collected. */
async function heapUsed(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    collectGarbage()
    await nextTick()
  }
  return process.memoryUsage().heapUsed
}

/** The smallest growth of four rounds: a leak grows in every round, caches of the engine only in the first ones. */
async function bytesLeftBy(work: () => Promise<void>): Promise<number> {
  const used: number[] = []
  for (let round = 0; round <= 4; round += 1) {
    await work()
    used.push(await heapUsed())
  }
  return Math.min(...used.slice(1).map((bytes, round) => bytes - (used[round] ?? 0)))
}

const MINUTE = 60_000

/** Far less than a leak: 300 bytes for a pending promise, 1,200 for a derived signal with a listener. */
const BYTES_PER_WAIT = 20

const policy = { retries: 1, firstPauseMs: 0, maxPauseMs: 0, maxRetryAfterMs: 0 }
const unassigned = createAssignment()
const opening = semaphore(100)

/** One wait of each kind, each of which completes without `stop` aborting. */
const waits: Record<string, (stop: AbortSignal) => Promise<unknown>> = {
  'a deadline that is met': async (stop) => {
    using limit = systemClock.deadline(MINUTE, stop)
    limit.signal.addEventListener('abort', () => {})
  },
  'a deadline that passes': async (stop) => {
    using limit = systemClock.deadline(1, stop)
    await untilAborted(limit.signal, new Promise(() => {})).catch(() => {})
  },
  'an assignment that does not arrive': async (stop) => {
    using limit = systemClock.deadline(1, stop)
    await unassigned.until(() => false, limit.signal)
  },
  'a pause': (stop) => systemClock.sleep(0, stop),
  'a call that is retried': (stop) => {
    let calls = 0
    const call = () =>
      calls++ === 0 ? Promise.reject(new ConnectorError('publish.failed', 'once')) : Promise.resolve()
    return retry(call, { clock: systemClock, policy, onRetry: () => {} }, stop)
  },
  'a call to the checkpoint store': (stop) => {
    const parts = { clock: systemClock, onRetry: () => {} }
    return storeCall(async () => 'done', { what: 'read', withinMs: MINUTE, parts }, stop)
  },
  'a permit to open': async (stop) => {
    using _permit = await opening.acquire(stop)
    await nextTick()
  },
  'the grace period of a run': async (stop) => {
    using _grace = graceAfter(stop, MINUTE, systemClock)
  },
}

test.each(Object.entries(waits))('leaks nothing after %s', async (_, wait) => {
  const { signal } = new AbortController()
  const many = async (count: number) => {
    for (let done = 0; done < count; done += 500) await Promise.all(Array.from({ length: 500 }, () => wait(signal)))
  }
  expect(await bytesLeftBy(() => many(5_000))).toBeLessThan(5_000 * BYTES_PER_WAIT)
})
