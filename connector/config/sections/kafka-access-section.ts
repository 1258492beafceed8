import type * as z from 'zod'
import type { OAuthClient, SaslConfig, SslConfig } from '../../kafka/kafka-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const pem = (description: string, variable: string) =>
  setting.fileText(
    { description: `${description}: PEM text or path of a PEM file`, variable, pem: true },
    check.isPem,
    check.pemRule,
  )

export const ssl = setting.section('TLS connections to the brokers', {
  enabled: setting.flag({ description: 'Use TLS; implied by the settings below', variable: 'KAFKA_SSL' }).optional(),
  ca: pem("CAs trusted instead of the system's", 'KAFKA_SSL_CA').optional(),
  cert: pem('Client certificate', 'KAFKA_SSL_CERT').optional(),
  key: setting.secretText(
    {
      description: 'Private key of the client certificate: PEM text or path of a PEM file',
      variable: 'KAFKA_SSL_KEY',
      pem: true,
    },
    check.isPem,
    check.pemRule,
  ),
})

const oauth = setting.section('Tokens for `mechanism: oauthbearer`, by the client credentials grant of OAuth 2', {
  tokenEndpoint: setting
    .text(
      {
        description: 'Address of the token endpoint. The connector reaches it without a proxy',
        variable: 'KAFKA_OAUTH_TOKEN_ENDPOINT',
        examples: ['https://login.example/oauth2/token'],
      },
      check.isHttpUrl,
      check.httpUrlRule,
    )
    .optional(),
  ca: pem("CAs trusted for the token endpoint instead of the system's", 'KAFKA_OAUTH_CA').optional(),
  scope: setting
    .text({ description: 'Scopes to request, separated by spaces', variable: 'KAFKA_OAUTH_SCOPE' })
    .optional(),
  audience: setting
    .text({ description: 'Parameter `audience` of the request', variable: 'KAFKA_OAUTH_AUDIENCE' })
    .optional(),
  extensions: setting.textMap(
    {},
    { description: 'SASL extensions that the brokers require, by name', variable: 'KAFKA_OAUTH_EXTENSIONS' },
  ),
})

export const sasl = setting.section('SASL authentication to the brokers', {
  mechanism: setting
    .choice(
      [
        ...(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const),
        ...(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const),
      ],
      { description: 'SASL mechanism', variable: 'KAFKA_SASL_MECHANISM' },
    )
    .optional(),
  username: setting.secretText({
    description: 'User name; with `oauthbearer`, the client id',
    variable: 'KAFKA_SASL_USERNAME',
  }),
  password: setting.secretText({
    description: 'Password; with `oauthbearer`, the client secret',
    variable: 'KAFKA_SASL_PASSWORD',
  }),
  oauth,
})

export function sslConfig({ enabled, ca, cert, key }: z.output<typeof ssl>): SslConfig | undefined {
  const isOn = enabled ?? (ca ?? cert ?? key) !== undefined
  if (!isOn) return undefined
  return {
    get ca() {
      return ca?.reveal()
    },
    get cert() {
      return cert?.reveal()
    },
    get key() {
      return key?.reveal()
    },
  }
}

type SaslSettings = z.output<typeof sasl>

const mechanisms: Record<NonNullable<SaslSettings['mechanism']>, SaslConfig['mechanism']> = {
  plain: 'plain',
  PLAIN: 'plain',
  'scram-sha-256': 'scram-sha-256',
  'SCRAM-SHA-256': 'scram-sha-256',
  'scram-sha-512': 'scram-sha-512',
  'SCRAM-SHA-512': 'scram-sha-512',
  oauthbearer: 'oauthbearer',
  OAUTHBEARER: 'oauthbearer',
}

export const mechanismOf = ({ mechanism }: Pick<SaslSettings, 'mechanism'>) => mechanism && mechanisms[mechanism]

export function saslConfig(sasl: SaslSettings): SaslConfig | undefined {
  const mechanism = mechanismOf(sasl)
  const { username, password, oauth } = sasl
  if (mechanism === 'oauthbearer') {
    const client = oauthClient(sasl)
    return client && { mechanism, client, extensions: oauth.extensions }
  }
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  return {
    mechanism,
    get username() {
      return username.reveal()
    },
    get password() {
      return password.reveal()
    },
  }
}

function oauthClient({ username, password, oauth }: SaslSettings): OAuthClient | undefined {
  const { tokenEndpoint, scope, audience, ca } = oauth
  if (tokenEndpoint === undefined || username === undefined || password === undefined) return undefined
  return {
    tokenEndpoint,
    scope,
    audience,
    get ca() {
      return ca?.reveal()
    },
    get clientId() {
      return username.reveal()
    },
    get clientSecret() {
      return password.reveal()
    },
  }
}
