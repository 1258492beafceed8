import { expect, test } from 'vitest'
import type { Clock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { storeCall } from '../../../connector/storage/store-call.ts'
import { never } from '../../support/signals.ts'

/** Calls the store with a clock whose pauses take no time and whose deadlines never expire. */
function call<Result>(attempt: () => Promise<Result>, finish = never) {
  const seen = { pauses: [] as number[], deadlines: [] as number[], retries: [] as number[] }
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async (ms) => void seen.pauses.push(ms),
    deadline: (ms, parent = never) => {
      seen.deadlines.push(ms)
      return { signal: parent, [Symbol.dispose]: () => undefined }
    },
    random: () => 1,
  }
  const parts = { clock, onRetry: (_error: unknown, attempts: number) => void seen.retries.push(attempts) }
  return { outcome: storeCall(attempt, { what: 'read k', withinMs: 1_000, parts }, finish), seen }
}

test('retries after growing pauses, within one deadline, when the store is unavailable', async () => {
  let attempts = 0
  const { outcome, seen } = call(async () => {
    attempts += 1
    if (attempts < 4) throw new ConnectorError('storage.unavailable', 'busy')
    return 'done'
  })
  expect(await outcome).toBe('done')
  expect(seen).toEqual({ pauses: [100, 200, 400], retries: [1, 2, 3], deadlines: [1_000] })
})

test('rejects with the reason of finish when it aborts during an attempt that ignores its signal', async () => {
  const finish = new AbortController()
  const reason = new Error('enough')
  const { outcome } = call(() => new Promise(() => finish.abort(reason)), finish.signal)
  await expect(outcome).rejects.toBe(reason)
})
