import { expect, test } from 'vitest'
import type { Clock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { storeCall } from '../../../connector/storage/store-call.ts'
import { never } from '../../support/signals.ts'

const unavailable = new ConnectorError('storage.unavailable', 'busy')

/** A clock whose pauses take no time and whose deadline expires on request. */
function testClock() {
  const expired = new AbortController()
  const pauses: number[] = []
  const deadlines: number[] = []
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async (ms, stop) => {
      stop.throwIfAborted()
      pauses.push(ms)
    },
    deadline: (ms, parent) => {
      deadlines.push(ms)
      return {
        signal: AbortSignal.any([expired.signal, ...(parent === undefined ? [] : [parent])]),
        [Symbol.dispose]: () => undefined,
      }
    },
    random: () => 1,
  }
  return { clock, pauses, deadlines, expire: () => expired.abort(new Error('time')) }
}

function call<Result>(attempt: (signal: AbortSignal) => Promise<Result>, time = testClock(), finish = never) {
  const retries: number[] = []
  const parts = { clock: time.clock, onRetry: (_error: unknown, attempts: number) => void retries.push(attempts) }
  return { outcome: storeCall(attempt, { what: 'read k', withinMs: 1_000, parts }, finish), retries, ...time }
}

test('retries after growing pauses, within one deadline, when the store is unavailable', async () => {
  let attempts = 0
  const { outcome, pauses, retries, deadlines } = call(async () => {
    attempts += 1
    if (attempts < 4) throw unavailable
    return 'done'
  })
  expect(await outcome).toBe('done')
  expect(pauses).toEqual([100, 200, 400])
  expect(retries).toEqual([1, 2, 3])
  expect(deadlines).toEqual([1_000])
})

test.each([new ConnectorError('storage.refused', 'no'), new Error('defect')])('does not retry %s', async (error) => {
  const { outcome, retries } = call(async () => Promise.reject(error))
  await expect(outcome).rejects.toBe(error)
  expect(retries).toEqual([])
})

test('rejects as unavailable, with the last failure as its cause, when the time limit expires', async () => {
  let attempts = 0
  const { outcome, expire } = call(() => {
    attempts += 1
    if (attempts === 1) return Promise.reject(unavailable)
    expire()
    return new Promise(() => undefined)
  })
  await expect(outcome).rejects.toMatchObject({
    code: 'storage.unavailable',
    message: 'read k: not done within 1000 ms',
    cause: unavailable,
  })
})

test('rejects with the reason of finish when it aborts during an attempt', async () => {
  const finish = new AbortController()
  const reason = new Error('enough')
  const { outcome } = call(() => new Promise(() => finish.abort(reason)), testClock(), finish.signal)
  await expect(outcome).rejects.toBe(reason)
})
