import { expect, test } from 'vitest'
import type { Clock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { storeCall } from '../../../connector/storage/store-call.ts'

const unavailable = new ConnectorError('storage.unavailable', 'busy')
const never = new AbortController().signal

/** A clock whose pauses cost no time, and whose deadline is over when told. */
function testClock() {
  const over = new AbortController()
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
        signal: AbortSignal.any([over.signal, ...(parent === undefined ? [] : [parent])]),
        [Symbol.dispose]: () => undefined,
      }
    },
    random: () => 1,
  }
  return { clock, pauses, deadlines, timeIsOver: () => over.abort(new Error('time')) }
}

function call<Result>(attempt: (signal: AbortSignal) => Promise<Result>, time = testClock(), finish = never) {
  const heard: number[] = []
  const parts = { clock: time.clock, onRetry: (_error: unknown, tries: number) => void heard.push(tries) }
  return { outcome: storeCall(attempt, { what: 'read k', withinMs: 1_000, parts }, finish), heard, ...time }
}

test('what is unavailable is tried again after growing pauses, under one deadline', async () => {
  let tries = 0
  const { outcome, pauses, heard, deadlines } = call(async () => {
    tries += 1
    if (tries < 4) throw unavailable
    return 'done'
  })
  expect(await outcome).toBe('done')
  expect(pauses).toEqual([100, 200, 400])
  expect(heard).toEqual([1, 2, 3])
  expect(deadlines).toEqual([1_000])
})

test('what stays unavailable rejects after six tries', async () => {
  let tries = 0
  const { outcome } = call(async () => {
    tries += 1
    throw unavailable
  })
  await expect(outcome).rejects.toBe(unavailable)
  expect(tries).toBe(6)
})

test.each([new ConnectorError('storage.refused', 'no'), new Error('defect')])(
  '%s is not tried again',
  async (error) => {
    const { outcome, heard } = call(async () => Promise.reject(error))
    await expect(outcome).rejects.toBe(error)
    expect(heard).toEqual([])
  },
)

test('when the time is over it is unavailable, whatever it waits for, and the last failure is the cause', async () => {
  let tries = 0
  const { outcome, timeIsOver } = call(() => {
    tries += 1
    if (tries === 1) return Promise.reject(unavailable)
    timeIsOver()
    return new Promise(() => undefined)
  })
  await expect(outcome).rejects.toMatchObject({
    code: 'storage.unavailable',
    message: 'read k: not done within 1000 ms',
    cause: unavailable,
  })
})

test('when finish aborts its reason is thrown, whatever it waits for', async () => {
  const finish = new AbortController()
  const reason = new Error('enough')
  const { outcome } = call(() => new Promise(() => finish.abort(reason)), testClock(), finish.signal)
  await expect(outcome).rejects.toBe(reason)
})
