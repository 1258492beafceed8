import { expect, test } from 'vitest'
import type { AccessToken } from '../../../../connector/kafka/tokens.ts'
import { tokenCache } from '../../../../connector/kafka/tokens.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

/** A token endpoint that issues `token 1`, `token 2`, … unless it is down. */
function stage(lifetimeMs: number) {
  const clock = virtualClock(0)
  const endpoint = { requests: 0, isDown: false }
  const request = async (): Promise<AccessToken> => {
    endpoint.requests += 1
    if (endpoint.isDown) throw new Error('down')
    return { value: `token ${endpoint.requests}`, lifetimeMs }
  }
  return { clock, endpoint, tokens: tokenCache(clock, request) }
}

const hour = 60 * 60_000

test('all connections share a token until 15 seconds before its end, or half of a short lifetime', async () => {
  for (const [lifetimeMs, usableMs] of [
    [hour, hour - 15_000],
    [20_000, 10_000],
  ] as const) {
    const { clock, tokens } = stage(lifetimeMs)
    expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token 1', 'token 1'])
    clock.jump(usableMs - 1)
    expect(await tokens.current()).toBe('token 1')
    clock.jump(1)
    expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token 2', 'token 2'])
  }
})

test('rejects while the endpoint is down, and requests again', async () => {
  const { endpoint, tokens } = stage(hour)
  endpoint.isDown = true
  await expect(tokens.current()).rejects.toThrow('down')
  endpoint.isDown = false
  expect(await tokens.current()).toBe('token 2')
})

test('requests another token when a broker has rejected the present one', async () => {
  const { tokens } = stage(hour)
  await tokens.current()
  tokens.forget()
  expect(await tokens.current()).toBe('token 2')
})
