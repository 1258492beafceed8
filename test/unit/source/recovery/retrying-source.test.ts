import { describe, expect, it } from 'vitest'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import type { RetryPolicy } from '../../../../connector/runtime/retry.ts'
import type {
  CheckPoint,
  ClientSource,
  Page,
  PageRequest,
  Patience,
  ReadArguments,
  SourceEvent,
  SourceTime,
} from '../../../../connector/source/client-source.ts'
import { readError } from '../../../../connector/source/polaris/answer/answer-verdict.ts'
import type { Outages } from '../../../../connector/source/recovery/after-failed-read.ts'
import { retrying } from '../../../../connector/source/recovery/retrying-source.ts'
import { openGate, type Passage, type ServerGate } from '../../../../connector/source/recovery/server-breaker.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'

const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 10,
  output: 'xml',
}
const withToken = { ...at, checkPoint: 't1' as CheckPoint }
const page: Page = { clients: [], hasMoreResults: false, checkPoint: null, serverTime: undefined, tookMs: 1, bytes: 1 }
const policy: RetryPolicy = { retries: 3, firstPauseMs: 100, maxPauseMs: 1000, maxRetryAfterMs: 5000 }
const settled = () => new Promise((resolve) => setImmediate(resolve))
const error = (code: ConnectorError['code'], retryAfterMs?: number) => new ConnectorError(code, 'x', { retryAfterMs })
const times = (count: number, code: ConnectorError['code']) => Array.from({ length: count }, () => error(code))

/** A source that fails with one of these errors per call and then returns pages. */
function failing(errors: readonly unknown[], outages: Outages = 'wait', suspectForMs = 60_000) {
  const clock = virtualClock(0)
  const events: SourceEvent[] = []
  let reads = 0
  const failing: ClientSource = {
    read: async (at) => {
      const error = errors[reads]
      reads += 1
      if (error !== undefined) throw readError(error, at)
      return page
    },
  }
  const observe = (event: SourceEvent) => events.push(event)
  const source = retrying(failing, { clock, policy, suspectForMs, outages, observe, gate: openGate })
  return {
    clock,
    events,
    reads: () => reads,
    /** Reads once, skipping all pauses, and returns their lengths. */
    read: async (call: PageRequest = at, stop: AbortSignal = never, patience?: Patience) => {
      const pauses: number[] = []
      let isSettled = false
      const result = source.read(call, stop, patience).finally(() => {
        isSettled = true
      })
      result.catch(() => {})
      for (await settled(); !isSettled; await settled()) {
        const before = clock.now()
        clock.fireNext()
        pauses.push(clock.now() - before)
      }
      return { result, pauses }
    },
  }
}

describe('a read that fails', () => {
  it('is retried with pauses that grow up to a limit', async () => {
    const { read } = failing(times(1000, 'source.unreachable'))
    const { result, pauses } = await read()
    expect(await result).toBe(page)
    expect(pauses.slice(0, 6)).toEqual([50, 100, 200, 400, 500, 500])
    expect(pauses).toHaveLength(1000)
  })

  it('is retried after the time in Retry-After, up to a limit', async () => {
    const errors = [2_000, 3_600_000, 700, undefined].map((ms) => error('source.throttled', ms))
    const { result, pauses } = await failing(errors).read()
    expect(await result).toBe(page)
    expect(pauses).toEqual([2_000, 5_000, 700, 400])
  })

  it('is not reported as a probe when the breaker lets no read through after one', async () => {
    const clock = virtualClock(0)
    const events: SourceEvent[] = []
    const passages: (Passage | ConnectorError)[] = [
      { isProbe: true, succeeded: () => {}, failed: () => 'failed' },
      error('source.unreachable'),
      { isProbe: false, succeeded: () => {}, failed: () => 'failed' },
    ]
    const gate: ServerGate = {
      ...openGate,
      enter: async () => {
        const next = passages.shift()
        if (next === undefined || next instanceof ConnectorError) throw next
        return next
      },
    }
    const source = retrying(
      { read: async () => page },
      { clock, policy, suspectForMs: 60_000, outages: 'wait', observe: (event) => events.push(event), gate },
    )
    await source.read(at, never)
    const second = source.read(at, never)
    await settled()
    clock.fireNext()
    await second
    expect(events.map(({ kind }) => kind)).toEqual(['read-retried', 'read-recovered'])
  })

  it.each(['source.certificate', 'source.mapping', 'source.unauthorized'] as const)(
    'is not retried when the code is %s',
    async (code) => {
      const { read, reads } = failing([error(code)])
      await expect((await read()).result).rejects.toMatchObject({ code })
      expect(reads()).toBe(1)
    },
  )

  it('rejects with the reason of stop when it aborts during a pause', async () => {
    const { clock, reads, read } = failing(times(9, 'source.timeout'))
    const stop = new AbortController()
    clock.timer(120, () => stop.abort(new DOMException('enough', 'AbortError')))
    await expect((await read(at, stop.signal)).result).rejects.toThrow('enough')
    expect([reads(), clock.nextTimerAt()]).toEqual([2, undefined])
  })

  it('is not started when stop has already aborted', async () => {
    const { read, reads } = failing([])
    const stop = AbortSignal.abort(new DOMException('enough', 'AbortError'))
    await expect((await read(at, stop)).result).rejects.toThrow('enough')
    expect(reads()).toBe(0)
  })
})

describe('a response that breaks the protocol', () => {
  it('rejects with its error after the last retry', async () => {
    const errors = times(4, 'source.answer-malformed')
    const { read, reads } = failing(errors)
    await expect((await read()).result).rejects.toBe(errors[3])
    expect(reads()).toBe(4)
  })

  it('restarts the count of retries after a failure of another kind', async () => {
    const malformed = times(3, 'source.answer-malformed')
    const { result } = await failing([...malformed, error('source.unreachable'), ...malformed]).read()
    expect(await result).toBe(page)
  })
})

describe('a call with a checkPoint', () => {
  it('gives up when a 5xx persists, because the checkPoint may be refused', async () => {
    const { read, reads } = failing(times(9, 'source.server-error'))
    await expect((await read(withToken)).result).rejects.toMatchObject({ code: 'source.server-error' })
    expect(reads()).toBe(4)
  })

  it('gives up at once after a suspect response, so that the call is made without it first', async () => {
    const { read, reads } = failing(times(9, 'source.error-document'))
    await expect((await read(withToken)).result).rejects.toMatchObject({ code: 'source.error-document' })
    expect(reads()).toBe(1)
  })

  it('is retried indefinitely when the server sends Retry-After', async () => {
    const errors = Array.from({ length: 9 }, () => error('source.server-error', 60_000))
    expect(await (await failing(errors).read(withToken)).result).toBe(page)
  })

  it('is retried indefinitely when the server is unreachable', async () => {
    expect(await (await failing(times(9, 'source.unreachable')).read(withToken)).result).toBe(page)
  })
})

describe('a page that takes too long', () => {
  const large = { ...at, limit: 11 }

  it('is given up after one retry, so that a smaller one can be read', async () => {
    const { read, reads } = failing(times(2, 'source.timeout'))
    await expect((await read(large)).result).rejects.toMatchObject({ code: 'source.timeout' })
    expect(reads()).toBe(2)
  })

  it('is given up at once if the page before was, and after a retry again once a page was read', async () => {
    const { read, reads } = failing([...times(3, 'source.timeout'), undefined, ...times(2, 'source.timeout')])
    for (let page = 0; page < 2; page += 1)
      await expect((await read(large)).result).rejects.toMatchObject({ code: 'source.timeout' })
    expect(reads()).toBe(3)
    await (await read(large)).result
    await expect((await read(large)).result).rejects.toMatchObject({ code: 'source.timeout' })
    expect(reads()).toBe(6)
  })

  it('is retried indefinitely when it is small already, or when the failures are of several kinds', async () => {
    expect(await (await failing(times(50, 'source.timeout')).read()).result).toBe(page)
    const mixed = Array.from({ length: 20 }, (_, index) =>
      error(index % 2 === 0 ? 'source.timeout' : 'source.unreachable'),
    )
    expect(await (await failing(mixed).read(large)).result).toBe(page)
  })
})

describe('a suspect response', () => {
  const suspect = 'source.function-missing'

  it('is retried with growing pauses after pages were read', async () => {
    const { read, reads } = failing([...times(5, suspect), error('source.redirected'), error('source.login-page')])
    const { result, pauses } = await read()
    expect(await result).toBe(page)
    expect([reads(), pauses.slice(0, 6)]).toEqual([8, [50, 100, 200, 400, 500, 500]])
  })

  it('rejects at once before a page was read', async () => {
    const errors = times(9, suspect)
    const { read, reads } = failing(errors)
    await expect((await read(at, never, 'unproven')).result).rejects.toBe(errors[0])
    expect(reads()).toBe(1)
  })

  it('rejects, with what was seen and since when, once such responses have lasted for `suspectFor`', async () => {
    const { read, clock } = failing([error('source.unreachable'), ...times(999, suspect)])
    const { result, pauses } = await read()
    await expect(result).rejects.toMatchObject({
      code: suspect,
      message: 'x; 123 such responses in a row since 1970-01-01T00:00:00.050Z, after pages had been read',
    })
    const [, ...suspected] = pauses
    expect(suspected.reduce((sum, pause) => sum + pause)).toBeGreaterThanOrEqual(60_000)
    expect(clock.now()).toBeLessThan(61_000)
  })

  it('is counted from the first one, across the calls with and without the checkPoint', async () => {
    const { read, clock } = failing(times(999, suspect))
    await expect((await read(withToken)).result).rejects.toMatchObject({ message: 'x' })
    clock.pass(59_900)
    const { result, pauses } = await read()
    await expect(result).rejects.toMatchObject({ message: expect.stringContaining('since 1970-01-01T00:00:00.000Z') })
    expect(pauses).toHaveLength(2)
  })

  it.each([
    ['a page', undefined],
    ['a failure of another kind', error('source.unreachable')],
  ])('is counted again from the beginning after %s', async (_, other) => {
    const { read, clock } = failing([error(suspect), other, error(suspect)])
    await expect((await read(withToken)).result).rejects.toMatchObject({ code: suspect })
    clock.pass(70_000)
    for (let call = 0; call < 2; call += 1) expect(await (await read()).result).toBe(page)
  })

  it('is retried again for as long after the stream was held', async () => {
    const { read } = failing([...times(3, suspect), undefined, error(suspect)], 'wait', 100)
    await expect((await read()).result).rejects.toMatchObject({ code: suspect })
    for (let call = 0; call < 2; call += 1) expect(await (await read()).result).toBe(page)
  })

  it('holds the stream at once when `suspectFor` is 0', async () => {
    const errors = times(9, suspect)
    const { read, reads } = failing(errors, 'wait', 0)
    await expect((await read()).result).rejects.toBe(errors[0])
    expect(reads()).toBe(1)
  })

  it('rejects after the retries in an inspection', async () => {
    const { read, reads } = failing(times(9, suspect), 'give-up')
    await expect((await read()).result).rejects.toMatchObject({ code: suspect })
    expect(reads()).toBe(4)
  })
})

it('gives up with the last error after the retries in an inspection', async () => {
  const errors = [...times(2, 'source.timeout'), ...times(2, 'source.unreachable')]
  const { read, reads } = failing(errors, 'give-up')
  await expect((await read()).result).rejects.toBe(errors[3])
  expect(reads()).toBe(4)
})

describe('the reported events', () => {
  it('are each failure with its number and error, and the recovery once', async () => {
    const errors = [error('source.server-error'), error('source.unreachable')]
    const { read, events } = failing(errors)
    await read()
    await read()
    expect(events).toEqual([
      { kind: 'read-retried', code: 'source.server-error', attempt: 1, error: errors[0] },
      { kind: 'read-retried', code: 'source.unreachable', attempt: 2, error: errors[1] },
      { kind: 'read-recovered', failures: 2, failedForMs: 150 },
    ])
  })

  it('count the failures across calls until a read succeeds', async () => {
    const { read, events } = failing(times(6, 'source.server-error'))
    await read(withToken)
    await read()
    expect(events.map((event) => ('attempt' in event ? event.attempt : event.kind))).toEqual([
      1,
      2,
      3,
      4,
      5,
      'read-recovered',
    ])
  })
})
