import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { LOOK_AGAIN_MS, type RefusedAccounts } from '../../runtime/refused-accounts.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import type { AccessToken } from './request-token.ts'
import type { TokenSource } from './token-source.ts'

export interface LoginParts {
  /** The brokers, as a key for accounts. */
  readonly server: string
  readonly accounts: RefusedAccounts
  readonly clock: Clock
  /** Time limit of a request for a token. */
  readonly limitMs: number
}

/**
 * SASL OAUTHBEARER (RFC 7628). Requests no token with a secret that the token endpoint has rejected. A broker may reject
 * a token for a reason that passes, such as new keys of the token server, so another token is tried sooner.
 */
export function tokenLogin(source: TokenSource, parts: LoginParts): Mechanism {
  const never = new AbortController().signal // kafkajs passes no signal
  const logIn = (args: AuthenticationProviderArgs) =>
    parts.accounts.logIn(
      {
        server: `${parts.server} ${source.issuer}`,
        account: source.account,
        exchange: async () => {
          const tokens = tokensFor(source, parts)
          const token = await tokens.current()
          await present(token, args).catch((error: unknown) => {
            if (!isRejection(error)) throw error
            tokens.rejected(token)
            throw rejectedToken(source, error)
          })
        },
        refusalIn: (error) => (isRejection(error) ? undefined : unauthorized(error)),
        doubtIn: unauthorized,
      },
      never,
    )
  return { mechanism: 'oauthbearer', authenticationProvider: (args) => ({ authenticate: () => logIn(args) }) }
}

const isRejection = (error: unknown) => hasKafkaCode(error, KafkaCode.SASL_AUTHENTICATION_FAILED)
const unauthorized = (error: unknown) =>
  error instanceof ConnectorError && error.code === 'publish.unauthorized' ? error : undefined

function rejectedToken({ issuer, whyRejected }: TokenSource, cause: unknown): ConnectorError {
  const what = `a broker rejects the token of ${issuer}; ${whyRejected}`
  return new ConnectorError('publish.unauthorized', `log in: ${what}`, { cause, retryAfterMs: LOOK_AGAIN_MS })
}

let shared: { readonly settings: string; readonly tokens: TokenCache } | undefined

/** All connections of the process share the tokens until a setting changes. */
function tokensFor(source: TokenSource, { clock, limitMs }: LoginParts): TokenCache {
  const settings = source.settings()
  if (shared?.settings !== settings) {
    const request = async () => {
      using limit = clock.deadline(limitMs)
      return await source.request(limit.signal)
    }
    shared = { settings, tokens: tokenCache(clock, request) }
  }
  return shared.tokens
}

/** kafkajs' own implementation ignores the broker's answer, so that a rejected token looks like a lost connection. */
async function present(token: string, { saslAuthenticate }: AuthenticationProviderArgs): Promise<void> {
  const send = (message: string) => saslAuthenticate({ request: { encode: () => sized(message) }, response: unread })
  const answerBytes = await send(['n,,', `auth=Bearer ${token}`, '', ''].join(SEPARATOR))
  // The broker's answer to a token that it rejects. It fails the login after this acknowledgement.
  if (answerBytes !== 0) await send(SEPARATOR)
}

const SEPARATOR = '\u0001'
const SIZE_BYTES = 4
const unread = { decode: (bytes: Buffer) => bytes, parse: (bytes: Buffer) => bytes.length - SIZE_BYTES }

function sized(message: string): Buffer {
  const bytes = Buffer.from(message)
  const size = Buffer.alloc(SIZE_BYTES)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

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
