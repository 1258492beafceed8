import type { AuthenticationProviderArgs, Authenticator, Mechanism } from 'kafkajs'
import type { Clock } from '../../runtime/clock.ts'
import type { PasswordLogin, SaslConfig } from '../kafka-config.ts'
import { tokensOf } from '../tokens.ts'
import { load } from './requests.ts'

type Provider = (sasl: object) => (args: AuthenticationProviderArgs) => Authenticator

/** kafkajs' implementations of the SASL mechanisms. */
const providers: Readonly<Record<PasswordLogin['mechanism'] | 'oauthbearer', Provider>> = {
  plain: load('kafkajs/src/broker/saslAuthenticator/plain'),
  'scram-sha-256': load('kafkajs/src/broker/saslAuthenticator/scram256'),
  'scram-sha-512': load('kafkajs/src/broker/saslAuthenticator/scram512'),
  oauthbearer: load('kafkajs/src/broker/saslAuthenticator/oauthBearer'),
}

/**
 * Makes kafkajs' login on each new connection, with the account or the token of that time. Alone, kafkajs reports every
 * failure as rejected credentials, without the cause (tulios/kafkajs#1550), and ignores the broker's answer to a token.
 */
export function saslLogin(sasl: SaslConfig, clock: Clock): Mechanism {
  const isToken = sasl.mechanism === 'oauthbearer' || sasl.mechanism === 'aws-msk-iam'
  const tokens = isToken ? tokensOf(sasl, clock) : undefined
  const oauthBearerProvider = async () => ({ value: await tokens?.currentToken() })
  const mechanism = isToken ? 'oauthbearer' : sasl.mechanism
  const provider = providers[mechanism](isToken ? { oauthBearerProvider } : sasl)
  const logIn = async (args: AuthenticationProviderArgs) => {
    let cause: unknown
    const exchange = async ({ request, response = wholeAnswer }: Exchange) => {
      try {
        const answer = await args.saslAuthenticate({ request, response })
        // RFC 7628: a broker that accepts the token answers with nothing.
        if (tokens !== undefined && Buffer.isBuffer(answer) && answer.length > SIZE_BYTES) throw tokens.rejectionError()
        return answer
      } catch (error) {
        cause = error
        throw error
      }
    }
    const saslAuthenticate = exchange as AuthenticationProviderArgs['saslAuthenticate']
    await provider({ ...args, saslAuthenticate })
      .authenticate()
      .catch((error: unknown) => {
        throw cause instanceof Error ? Object.assign(cause, { broker: `${args.host}:${args.port}` }) : error
      })
  }
  return { mechanism, authenticationProvider: (args) => ({ authenticate: () => logIn(args) }) }
}

type Exchange = Parameters<AuthenticationProviderArgs['saslAuthenticate']>[0]

const SIZE_BYTES = 4
const wholeAnswer = { decode: (bytes: Buffer) => bytes, parse: (bytes: Buffer) => bytes }
