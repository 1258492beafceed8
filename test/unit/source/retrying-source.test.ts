import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { RetryPolicy } from '../../../connector/runtime/retry.ts'
import type { ClientSource, Page, ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import { retrying } from '../../../connector/source/retrying-source.ts'
import type { SourceEvent } from '../../../connector/source/source-event.ts'

const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 1,
  output: 'xml',
}
const page: Page = { clients: [], hasMoreResults: false, checkPoint: null, serverTime: undefined, tookMs: 1, bytes: 1 }
const policy: RetryPolicy = { retries: 3, firstPauseMs: 100, maxPauseMs: 1000, maxRetryAfterMs: 5000 }
const never = new AbortController().signal

/** A source that fails with these errors, then gives a page; pauses pass at once and are written down. */
function failing(...errors: unknown[]) {
  const pauses: number[] = []
  const events: SourceEvent[] = []
  let reads = 0
  const clock: Clock = {
    ...systemClock,
    random: () => 0.5,
    sleep: async (ms, stop) => {
      stop.throwIfAborted()
      pauses.push(ms)
    },
  }
  const source: ClientSource = {
    read: async () => {
      const error = errors[reads++]
      if (error !== undefined) throw error
      return page
    },
  }
  return {
    source: retrying(source, { clock, policy, observe: (event) => events.push(event) }),
    pauses,
    events,
    reads: () => reads,
  }
}
const error = (code: ConnectorError['code'], retryAfterMs?: number) => new ConnectorError(code, 'x', { retryAfterMs })

describe('retrying', () => {
  it('reads again after what may pass, and tells of each retry', async () => {
    const { source, events, pauses } = failing(error('source.server-error'), error('source.answer-malformed'))
    expect(await source.read(at, never)).toBe(page)
    expect(events).toEqual([
      { kind: 'read-retried', code: 'source.server-error', attempt: 1 },
      { kind: 'read-retried', code: 'source.answer-malformed', attempt: 2 },
    ])
    expect(pauses).toEqual([50, 100])
  })

  it('gives up with the last error when the tries are spent', async () => {
    const last = error('source.server-error')
    const { source, reads } = failing(error('source.timeout'), error('source.timeout'), error('source.timeout'), last)
    await expect(source.read(at, never)).rejects.toBe(last)
    expect(reads()).toBe(4)
  })

  it.each(['source.request-refused', 'source.function-missing', 'source.unauthorized'] as const)(
    'does not try %s again',
    async (code) => {
      const { source, reads } = failing(error(code))
      await expect(source.read(at, never)).rejects.toMatchObject({ code })
      expect(reads()).toBe(1)
    },
  )

  it('waits as long as the server asks, up to a ceiling', async () => {
    const { source, pauses } = failing(error('source.throttled', 2000), error('source.throttled', 3_600_000))
    await source.read(at, never)
    expect(pauses).toEqual([2000, 5000])
  })

  it('stops at once when asked to', async () => {
    const stop = new AbortController()
    const { source } = failing(error('source.timeout'))
    stop.abort(new DOMException('enough', 'AbortError'))
    await expect(source.read(at, stop.signal)).rejects.toThrow('enough')
  })
})
