import type * as z from 'zod'
import type { SaslConfig, SslConfig } from '../../kafka/kafka-config.ts'
import type { Violation } from '../config-problem.ts'
import { revealed } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const pem = { pem: true, check: check.pem } as const

export const ssl = setting.section(
  'TLS connections to the brokers',
  {
    enabled: setting.flag('Use TLS; implied by the settings below', { variable: 'KAFKA_SSL' }).optional(),
    ca: setting.secret("CAs trusted instead of the system's", { ...pem, kind: 'text' }).optional(),
    cert: setting.secret('Client certificate', { ...pem, kind: 'text' }).optional(),
    key: setting.secret('Private key of the client certificate', pem).optional(),
  },
  [
    (settings) => allOrNone(settings, ['cert', 'key']),
    ({ enabled, ca, cert, key }) =>
      enabled === false && (ca ?? cert ?? key) !== undefined
        ? [{ path: ['enabled'], what: 'is false, but ca, cert or key is set: remove one or the other' }]
        : [],
  ],
)

const oauth = setting.section('Tokens for `mechanism: oauthbearer`, by the client credentials grant of OAuth 2', {
  tokenEndpoint: setting
    .text('URL of the token endpoint, reached without a proxy. Example: `https://login.example/oauth2/token`', {
      check: check.tokenEndpoint,
      variable: 'KAFKA_OAUTH_TOKEN_ENDPOINT',
    })
    .optional(),
  parameters: setting.textMap('Further parameters of the request, such as `scope` and `audience`', {
    default: {},
    variable: 'KAFKA_OAUTH_PARAMETERS',
  }),
})

export const sasl = setting.section('SASL authentication to the brokers', {
  mechanism: setting
    .choice('SASL mechanism; `aws-msk-iam`: tokens of Amazon MSK, by the AWS credentials of the process', {
      choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
    })
    .optional(),
  username: setting.secret('User name; with `oauthbearer`, the client id').optional(),
  password: setting.secret('Password; with `oauthbearer`, the client secret').optional(),
  oauth,
})

type SaslSettings = z.output<typeof sasl>

export function sslConfig({ enabled, ...texts }: z.output<typeof ssl>): SslConfig | undefined {
  const isOn = enabled ?? (texts.ca ?? texts.cert ?? texts.key) !== undefined
  return isOn ? revealed(texts) : undefined
}

/** Undefined: the brokers ask for no login. `brokers`: their names have the region of Amazon MSK. */
export function saslConfig(
  { mechanism, username, password, oauth }: SaslSettings,
  brokers: readonly string[],
): SaslConfig | undefined {
  if (mechanism === 'aws-msk-iam') return { mechanism, region: regionOf(brokers) ?? '' }
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  if (mechanism !== 'oauthbearer') return revealed({ mechanism, username, password })
  const { tokenEndpoint = '', parameters } = oauth
  return { mechanism, client: revealed({ parameters, tokenEndpoint, clientId: username, clientSecret: password }) }
}

interface Access {
  readonly sasl: SaslSettings
  readonly ssl: z.output<typeof ssl>
  readonly brokers: readonly string[]
}

export function saslRule({ sasl, ...access }: Access): Violation[] {
  if (sasl.mechanism === 'aws-msk-iam') return iamLogin(access)
  const isToken = sasl.mechanism === 'oauthbearer'
  const found = isToken ? tokenLogin(sasl) : allOrNone(sasl, ['mechanism', 'username', 'password'])
  return found.map(({ path, what }) => ({ path: ['sasl', ...path], what }))
}

/** Such as `b-1.shop.abc123.c2.kafka.eu-west-3.amazonaws.com:9098`. */
const mskBroker = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/

const regionOf = (brokers: readonly string[]) => brokers.flatMap((broker) => mskBroker.exec(broker)?.[1] ?? []).at(0)

function iamLogin({ ssl, brokers }: Omit<Access, 'sasl'>): Violation[] {
  const noRegion = 'must be named like b-1.….kafka.REGION.amazonaws.com:9098 with aws-msk-iam'
  return [
    ...(sslConfig(ssl) === undefined ? [{ path: ['ssl', 'enabled'], what: 'must be true with aws-msk-iam' }] : []),
    ...(regionOf(brokers) === undefined ? [{ path: ['brokers'], what: noRegion }] : []),
  ]
}

function tokenLogin({ username, password, oauth }: SaslSettings): Violation[] {
  const required = { username, password, 'oauth.tokenEndpoint': oauth.tokenEndpoint }
  const missing = Object.entries(required).filter(([, value]) => value === undefined)
  return missing.map(([key]) => ({ path: key.split('.'), what: 'is missing: required with oauthbearer' }))
}

function allOrNone(group: Readonly<Record<string, unknown>>, keys: readonly string[]): Violation[] {
  const set = keys.filter((key) => group[key] !== undefined)
  const missing = set.length === 0 ? [] : keys.filter((key) => group[key] === undefined)
  return missing.map((key) => ({ path: [key], what: `is missing: required together with ${set.join(' and ')}` }))
}
