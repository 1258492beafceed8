import type * as z from 'zod'
import type { SaslConfig, SslConfig } from '../../kafka/kafka-config.ts'
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

export const sasl = setting.section('SASL authentication to the brokers', {
  mechanism: setting
    .choice(['plain', 'scram-sha-256', 'scram-sha-512', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
      description: 'SASL mechanism',
      variable: 'KAFKA_SASL_MECHANISM',
    })
    .optional(),
  username: setting.secretText({ description: 'User name', variable: 'KAFKA_SASL_USERNAME' }),
  password: setting.secretText({ description: 'Password', variable: 'KAFKA_SASL_PASSWORD' }),
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
}

export function saslConfig({ mechanism, username, password }: SaslSettings): SaslConfig | undefined {
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  return {
    mechanism: mechanisms[mechanism],
    get username() {
      return username.reveal()
    },
    get password() {
      return password.reveal()
    },
  }
}
