import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { IamLogin, TokenLogin } from '../kafka-config.ts'
import { kafkaTimes } from '../kafka-times.ts'
import { mskToken, processCredentials } from './msk-token.ts'
import { type AccessToken, requestToken } from './oauth-token.ts'

/** The tokens of OAUTHBEARER: of the client credentials grant of OAuth 2, or of Amazon MSK. */

export interface Tokens {
  /** A token that is valid for at least 15 seconds. Rejects with `publish.unauthorized` or `publish.failed`. */
  current(): Promise<string>
  /** A broker has rejected the token: the next call requests another. Returns the error. */
  rejected(): ConnectorError
}

let shared: { readonly settings: string; readonly cache: TokenCache } | undefined

/** All connections of the process share the tokens until a setting changes. */
export function tokensOf(login: TokenLogin | IamLogin, clock: Clock): Tokens {
  const isMsk = login.mechanism === 'aws-msk-iam'
  const issuer = isMsk ? `Amazon MSK in ${login.region}` : login.client.tokenEndpoint
  const why = isMsk
    ? 'the identity needs kafka-cluster:Connect on this cluster, and the clock must be right'
    : 'its log has the reason, such as another audience'
  const request = async () => {
    using limit = clock.deadline(kafkaTimes.paces.stream.requestMs)
    if (!isMsk) return await requestToken(login.client, limit.signal)
    const credentials = await processCredentials()
    return await mskToken({ region: login.region, credentials, now: clock.now() })
  }
  const cache = () => {
    const settings = JSON.stringify(login) // reads the files of secrets
    if (shared?.settings !== settings) shared = { settings, cache: tokenCache(clock, request) }
    return shared.cache
  }
  return {
    current: () => cache().current(),
    rejected: () => {
      cache().forget()
      const message = `log in: a broker rejects the token of ${issuer}; ${why}`
      return new ConnectorError('publish.unauthorized', message)
    },
  }
}

interface TokenCache {
  current(): Promise<string>
  forget(): void
}

/**
 * kafkajs logs in again 10 seconds before a session ends, and brokers refuse two logins within a second: a token must
 * outlive both.
 */
const LAST_USE_BEFORE_END_MS = 15_000

/**
 * Shares one token among all connections; requests another when half of its lifetime is over. If that fails, the old
 * one serves until shortly before its end.
 */
export function tokenCache(clock: Clock, request: () => Promise<AccessToken>): TokenCache {
  let held: { readonly value: string; readonly renewAt: number; readonly usableUntil: number } | undefined
  let renewal: Promise<string> | undefined
  const renewOrKeep = async () => {
    try {
      const { value, lifetimeMs } = await request()
      const [now, half] = [clock.monotonic(), lifetimeMs / 2]
      held = { value, renewAt: now + half, usableUntil: now + Math.max(lifetimeMs - LAST_USE_BEFORE_END_MS, half) }
      return value
    } catch (error) {
      if (held === undefined || held.usableUntil <= clock.monotonic()) throw error
      return held.value
    }
  }
  return {
    current: async () => {
      if (held !== undefined && clock.monotonic() < held.renewAt) return held.value
      renewal ??= renewOrKeep().finally(() => {
        renewal = undefined
      })
      return await renewal
    },
    forget: () => {
      held = undefined
    },
  }
}
