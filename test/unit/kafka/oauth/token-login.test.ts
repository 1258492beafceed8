import { expect, test } from 'vitest'
import type { AccessToken } from '../../../../connector/kafka/oauth/request-token.ts'
import { tokenCache } from '../../../../connector/kafka/oauth/token-login.ts'
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

test('all connections share a token until four fifths of its lifetime are over', async () => {
  const { clock, tokens } = stage(hour)
  expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token 1', 'token 1'])
  clock.jump(0.8 * hour - 1)
  expect(await tokens.current()).toBe('token 1')
  clock.jump(1)
  expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token 2', 'token 2'])
})

test('a token that is valid for a minute is renewed half a minute before its end, a shorter one after half', async () => {
  for (const [lifetimeMs, renewedAfterMs] of [
    [60_000, 30_000],
    [24_000, 12_000],
  ] as const) {
    const { clock, tokens } = stage(lifetimeMs)
    await tokens.current()
    clock.jump(renewedAfterMs - 1)
    expect(await tokens.current()).toBe('token 1')
    clock.jump(1)
    expect(await tokens.current()).toBe('token 2')
  }
})

test('the old token serves until 15 seconds before its end while the endpoint is down, with a request each 10 s', async () => {
  const { clock, endpoint, tokens } = stage(hour)
  await tokens.current()
  endpoint.isDown = true
  clock.jump(0.8 * hour)
  for (const _connection of [1, 2, 3]) expect(await tokens.current()).toBe('token 1')
  expect(endpoint.requests).toBe(2)
  clock.jump(10_000)
  expect(await tokens.current()).toBe('token 1')
  expect(endpoint.requests).toBe(3)
  clock.jump(0.2 * hour - 10_000 - 15_000)
  await expect(tokens.current()).rejects.toThrow('down')
  endpoint.isDown = false
  expect(await tokens.current()).toBe('token 5')
})

test('requests another token when a broker has rejected the present one', async () => {
  const { tokens } = stage(hour)
  tokens.rejected(await tokens.current())
  expect(await tokens.current()).toBe('token 2')
  tokens.rejected('token 1')
  expect(await tokens.current()).toBe('token 2')
})
