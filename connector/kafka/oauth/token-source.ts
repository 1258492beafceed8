import type { Clock } from '../../runtime/clock.ts'
import type { Account } from '../../runtime/refused-accounts.ts'
import type { IamLogin, TokenLogin } from '../kafka-config.ts'
import { type AccessToken, requestToken } from './request-token.ts'

/** Where the tokens of OAUTHBEARER come from. */
export interface TokenSource {
  /** For errors. */
  readonly issuer: string
  /** Whose tokens they are. */
  readonly account: () => Account
  /** Another text if a setting has changed: then the tokens before are not used any more. */
  readonly settings: () => string
  /** What to look at if a broker rejects a token. */
  readonly whyRejected: string
  /** Rejects with `publish.unauthorized` or `publish.no-token`. */
  request(limit: AbortSignal): Promise<AccessToken>
}

export function tokenSource(login: TokenLogin | IamLogin, clock: Clock): TokenSource {
  return login.mechanism === 'oauthbearer' ? oauthClient(login) : mskIdentity(login, clock)
}

function oauthClient({ client }: TokenLogin): TokenSource {
  return {
    issuer: client.tokenEndpoint,
    account: () => ({ user: client.clientId, password: client.clientSecret }),
    settings: () => {
      const { tokenEndpoint, clientId, clientSecret, parameters } = client
      return JSON.stringify([tokenEndpoint, clientId, clientSecret, parameters])
    },
    whyRejected: 'its log has the reason, such as another audience',
    request: (limit) => requestToken(client, limit),
  }
}

function mskIdentity({ region }: IamLogin, clock: Clock): TokenSource {
  return {
    issuer: `Amazon MSK in ${region}`,
    account: () => ({ user: region, password: '' }),
    settings: () => region,
    whyRejected: 'the identity needs kafka-cluster:Connect on this cluster, and the clock must be right',
    request: async () => {
      // Other brokers need none of it.
      const { mskToken, processCredentials } = await import('./msk-token.ts')
      return await mskToken({ region, credentials: processCredentials, now: clock.now() })
    },
  }
}
