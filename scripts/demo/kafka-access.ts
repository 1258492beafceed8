import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import type { Environment } from './plan.ts'

/** Connection settings of the demo's own consumer, from the same variables that the connector reads. */
export function kafkaAccess(
  bootstrap: string,
  environment: Environment,
): Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'> {
  const value = (name: string) => {
    const file = environment[`${name}_FILE`]
    return environment[name] || (file ? readFileSync(file, 'utf8').replace(/\r?\n$/, '') : undefined)
  }
  const pem = (name: string) => {
    const text = value(name)
    return text === undefined || text.includes('-----BEGIN') ? text : readFileSync(text, 'utf8')
  }
  const [ca, cert, key] = [pem('KAFKA_SSL_CA'), pem('KAFKA_SSL_CERT'), pem('KAFKA_SSL_KEY')]
  const given = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  const isTls = value('KAFKA_SSL') === 'true' || (value('KAFKA_SSL') !== 'false' && Object.keys(given).length > 0)
  const mechanism = value('KAFKA_SASL_MECHANISM')?.toLowerCase()
  const account = { username: value('KAFKA_SASL_USERNAME') ?? '', password: value('KAFKA_SASL_PASSWORD') ?? '' }
  return {
    brokers: bootstrap.split(',').map((broker) => broker.trim()),
    ...(isTls ? { ssl: given } : {}),
    ...(mechanism === undefined ? {} : { sasl: { mechanism, ...account } as SASLOptions }),
  }
}
