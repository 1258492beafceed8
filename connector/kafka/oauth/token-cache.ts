import type { Clock } from '../../runtime/clock.ts'
import type { AccessToken } from './request-token.ts'

export interface TokenCache {
  /** A token that is valid for at least 15 seconds. Rejects with the error of the request if there is none. */
  current(): Promise<string>
  /** A broker has rejected this token: the next call requests another. */
  rejected(token: string): void
}

interface Held {
  readonly value: string
  /** From then on, another token is requested. */
  readonly renewAt: number
  /** Until then, the token serves if the request for another one fails. */
  readonly usableUntil: number
}

/**
 * kafkajs logs in again 10 seconds before a session ends, and brokers refuse two logins within a second: a token must
 * outlive both.
 */
const LAST_USE_BEFORE_END_MS = 15_000
const RENEWED_BEFORE_END_MS = 30_000
const NEXT_ATTEMPT_MS = 10_000

/** Shares one token among all connections; requests another when four fifths of its lifetime are over. */
export function tokenCache(clock: Clock, request: () => Promise<AccessToken>): TokenCache {
  let held: Held | undefined
  let renewal: Promise<string> | undefined
  const renew = async () => {
    const { value, lifetimeMs } = await request()
    held = heldFrom(clock.monotonic(), value, lifetimeMs)
    return value
  }
  const renewOrKeep = async () => {
    try {
      return await renew()
    } catch (error) {
      const now = clock.monotonic()
      if (held === undefined || held.usableUntil <= now) throw error
      held = { ...held, renewAt: now + NEXT_ATTEMPT_MS }
      return held.value
    }
  }
  return {
    current: async () => {
      if (held !== undefined && clock.monotonic() < Math.min(held.renewAt, held.usableUntil)) return held.value
      renewal ??= renewOrKeep().finally(() => {
        renewal = undefined
      })
      return await renewal
    },
    rejected: (token) => {
      if (held?.value === token) held = undefined
    },
  }
}

/** Short lifetimes: renewed when half is over. */
function heldFrom(now: number, value: string, lifetimeMs: number): Held {
  const beforeEnd = (ms: number) => now + Math.max(lifetimeMs - ms, lifetimeMs / 2)
  const renewAt = Math.min(now + lifetimeMs * 0.8, beforeEnd(RENEWED_BEFORE_END_MS))
  return { value, renewAt, usableUntil: beforeEnd(LAST_USE_BEFORE_END_MS) }
}
