import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { LOOK_AGAIN_MS, type RefusedAccounts } from '../../runtime/refused-accounts.ts'
import type { OAuthClient, TokenLogin } from '../kafka-config.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import { requestToken } from '../oauth/request-token.ts'
import { type TokenCache, tokenCache } from '../oauth/token-cache.ts'

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
export function tokenLogin({ client, extensions, mechanism }: TokenLogin, parts: LoginParts): Mechanism {
  const never = new AbortController().signal // kafkajs passes no signal
  const logIn = (args: AuthenticationProviderArgs) =>
    parts.accounts.logIn(
      {
        server: `${parts.server} ${client.tokenEndpoint}`,
        account: () => ({ user: client.clientId, password: client.clientSecret }),
        exchange: async () => {
          const tokens = tokensFor(client, parts)
          const token = await tokens.current()
          await present({ token, extensions }, args).catch((error: unknown) => {
            if (!isRejection(error)) throw error
            tokens.rejected(token)
            throw rejectedToken(client, error)
          })
        },
        refusalIn: (error) => (isRejection(error) ? undefined : unauthorized(error)),
        doubtIn: unauthorized,
      },
      never,
    )
  return { mechanism, authenticationProvider: (args) => ({ authenticate: () => logIn(args) }) }
}

const isRejection = (error: unknown) => hasKafkaCode(error, KafkaCode.SASL_AUTHENTICATION_FAILED)
const unauthorized = (error: unknown) =>
  error instanceof ConnectorError && error.code === 'publish.unauthorized' ? error : undefined

function rejectedToken({ tokenEndpoint }: OAuthClient, cause: unknown): ConnectorError {
  const what = `a broker rejects the token of ${tokenEndpoint}; its log has the reason, such as another audience`
  return new ConnectorError('publish.unauthorized', `log in: ${what}`, { cause, retryAfterMs: LOOK_AGAIN_MS })
}

let shared: { readonly of: string; readonly tokens: TokenCache } | undefined

/** All connections of the process share the tokens until a setting changes. */
function tokensFor(client: OAuthClient, { clock, limitMs }: LoginParts): TokenCache {
  const { tokenEndpoint, clientId, clientSecret, scope, audience, ca } = client
  const of = JSON.stringify([tokenEndpoint, clientId, clientSecret, scope, audience, ca])
  if (shared?.of !== of) {
    const request = async () => {
      using limit = clock.deadline(limitMs)
      return await requestToken(client, limit.signal)
    }
    shared = { of, tokens: tokenCache(clock, request) }
  }
  return shared.tokens
}

/** kafkajs' own implementation ignores the broker's answer, so that a rejected token looks like a lost connection. */
async function present(
  { token, extensions }: { token: string; extensions: Readonly<Record<string, string>> },
  { saslAuthenticate }: AuthenticationProviderArgs,
): Promise<void> {
  const fields = Object.entries({ auth: `Bearer ${token}`, ...extensions }).map(([name, value]) => `${name}=${value}`)
  const send = (message: string) => saslAuthenticate({ request: { encode: () => sized(message) }, response: unread })
  const answerBytes = await send(['n,,', ...fields, '', ''].join(SEPARATOR))
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
