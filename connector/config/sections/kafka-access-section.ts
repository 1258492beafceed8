import type * as z from 'zod'
import type { SaslConfig, SslConfig } from '../../kafka/kafka-config.ts'
import type { ConfigPath, Violation } from '../config-problem.ts'
import { revealed } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const ssl = setting.section('TLS connections to the brokers', {
  enabled: setting.flag({ variable: 'KAFKA_SSL', description: 'Use TLS; implied by the settings below' }).optional(),
  ca: setting
    .fileText({
      pem: true,
      check: check.pem,
      variable: 'KAFKA_SSL_CA',
      description: "CAs trusted instead of the system's: PEM text or path of a PEM file",
    })
    .optional(),
  cert: setting
    .fileText({
      pem: true,
      check: check.pem,
      variable: 'KAFKA_SSL_CERT',
      description: 'Client certificate: PEM text or path of a PEM file',
    })
    .optional(),
  key: setting.secret({
    pem: true,
    check: check.pem,
    variable: 'KAFKA_SSL_KEY',
    description: 'Private key of the client certificate: PEM text or path of a PEM file',
  }),
})

const oauth = setting.section('Tokens for `mechanism: oauthbearer`, by the client credentials grant of OAuth 2', {
  tokenEndpoint: setting
    .text({
      check: check.tokenEndpoint,
      variable: 'KAFKA_OAUTH_TOKEN_ENDPOINT',
      description:
        'Address of the token endpoint: https, or http on a loopback address. The connector reaches it without a proxy',
      examples: ['https://login.example/oauth2/token'],
    })
    .optional(),
  parameters: setting.textMap({
    default: {},
    variable: 'KAFKA_OAUTH_PARAMETERS',
    description: 'Further parameters of the request, by name, such as `scope` and `audience`',
  }),
})

export const sasl = setting.section('SASL authentication to the brokers', {
  mechanism: setting
    .choiceInAnyCase({
      choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
      variable: 'KAFKA_SASL_MECHANISM',
      description: 'SASL mechanism; `aws-msk-iam`: tokens of Amazon MSK, by the AWS credentials of the process',
    })
    .optional(),
  username: setting.secret({
    variable: 'KAFKA_SASL_USERNAME',
    description: 'User name; with `oauthbearer`, the client id',
  }),
  password: setting.secret({
    variable: 'KAFKA_SASL_PASSWORD',
    description: 'Password; with `oauthbearer`, the client secret',
  }),
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
  if (mechanism !== 'oauthbearer') return Object.assign(revealed({ username, password }), { mechanism })
  const { tokenEndpoint = '', parameters } = oauth
  const client = revealed({ parameters, tokenEndpoint, clientId: username, clientSecret: password })
  return { mechanism, client }
}

const path = ['kafka', 'sasl']

interface Access {
  readonly sasl: SaslSettings
  readonly ssl: z.output<typeof ssl>
  readonly brokers: readonly string[]
}

export function saslLogin({ sasl, ...access }: Access): Violation[] {
  if (sasl.mechanism === 'aws-msk-iam') return iamLogin(sasl, access)
  return sasl.mechanism === 'oauthbearer' ? tokenLogin(sasl) : passwordLogin(sasl)
}

/** Such as `b-1.shop.abc123.c2.kafka.eu-west-3.amazonaws.com:9098`. */
const mskBroker = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/

const regionOf = (brokers: readonly string[]) => brokers.flatMap((broker) => mskBroker.exec(broker)?.[1] ?? []).at(0)

function iamLogin({ username, password, oauth }: SaslSettings, { ssl, brokers }: Omit<Access, 'sasl'>): Violation[] {
  const unused = [...keysSet({ username, password }), ...keysSet(oauth).map((key) => `oauth.${key}`)]
  return [
    ...unused.map((key) => ({
      path: [...path, ...key.split('.')],
      what: 'does not apply to mechanism: aws-msk-iam: remove it',
    })),
    ...(sslConfig(ssl) === undefined
      ? [{ path: ['kafka', 'ssl', 'enabled'], what: 'must be true with aws-msk-iam' }]
      : []),
    ...(regionOf(brokers) === undefined
      ? [
          {
            path: ['kafka', 'brokers'],
            what: 'must be named like b-1.….kafka.REGION.amazonaws.com:9098 with aws-msk-iam',
          },
        ]
      : []),
  ]
}

function passwordLogin(sasl: SaslSettings): Violation[] {
  return [
    ...allOrNone(sasl, ['mechanism', 'username', 'password'], path),
    ...keysSet(sasl.oauth).map((key) => ({ path: [...path, 'oauth', key], what: 'requires mechanism: oauthbearer' })),
  ]
}

/** An empty map counts as unset. */
function keysSet(settings: object): string[] {
  const isSet = (value: unknown) => value !== undefined && JSON.stringify(value) !== '{}'
  return Object.entries(settings).flatMap(([key, value]) => (isSet(value) ? [key] : []))
}

function tokenLogin({ username, password, oauth }: SaslSettings): Violation[] {
  const required = { username, password, 'oauth.tokenEndpoint': oauth.tokenEndpoint }
  const missing = Object.entries(required).filter(([, value]) => value === undefined)
  return [
    ...missing.map(([key]) => ({ path: [...path, ...key.split('.')], what: 'is missing: required with oauthbearer' })),
    ...Object.keys(oauth.parameters)
      .filter((name) => ['grant_type', 'client_id', 'client_secret'].includes(name))
      .map((name) => ({ path: [...path, 'oauth', 'parameters', name], what: 'is set by the connector: remove it' })),
  ]
}

export function allOrNone(
  group: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  section: ConfigPath,
): Violation[] {
  const set = keys.filter((key) => group[key] !== undefined)
  if (set.length === 0) return []
  const missing = keys.filter((key) => group[key] === undefined)
  return missing.map((key) => ({
    path: [...section, key],
    what: `is missing: required together with ${set.join(' and ')}`,
  }))
}
