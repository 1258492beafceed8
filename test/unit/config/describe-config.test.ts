import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { describeConfig } from '../../../connector/config/describe-config.ts'
import { settingList } from '../../../connector/config/setting-list.ts'
import { fromEnvironment, leastEnvironment, valid } from './config-sources.ts'

const pem = (text: string) => `-----BEGIN PRIVATE KEY-----\n${text}`
const planted = {
  POLARIS_AUTH: 'login',
  POLARIS_USER: 'planted-user',
  POLARIS_PASSWORD: 'planted-password',
  POLARIS_PROXY: 'http://planted-proxy-user:planted-proxy-password@proxy.example:3128',
  POLARIS_HEADERS: 'X-Api-Key: planted-header',
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'planted-kafka-user',
  KAFKA_SASL_PASSWORD: 'planted-kafka-password',
  KAFKA_SSL_CERT: pem('planted-certificate'),
  KAFKA_SSL_KEY: pem('planted-key'),
}
const settings = valid(fromEnvironment({ ...leastEnvironment, ...planted }))

test('prints the settings in effect as in the file', () => {
  expect(describeConfig(settings)).toMatchObject({
    connector: 'shops',
    'kafka.brokers': ['kafka-1:9092', 'kafka-2:9092'],
    'kafka.maxMessageBytes': '1MB',
    'kafka.topics.config': ['cleanup.policy=compact', 'min.compaction.lag.ms=604800000'],
    'streams[0].poll.interval': '5s',
    'streams[0].poll.lookBack': ['5m/1m', '26h/6h'],
    'streams[0].polaris.limit': 100,
    'streams[0].sharedKeys': false,
  })
})

test('prints secrets and PEM texts as ***', () => {
  const shown = describeConfig(settings)
  expect(shown).toMatchObject({
    'streams[0].polaris.user': '***',
    'streams[0].polaris.password': '***',
    'streams[0].polaris.proxy': 'http://***@proxy.example:3128',
    'streams[0].polaris.headers': ['X-Api-Key=***'],
    'kafka.sasl.username': '***',
    'kafka.sasl.password': '***',
    'kafka.ssl.key': '***',
    'kafka.ssl.cert': '***',
  })
  expect(JSON.stringify(shown)).not.toContain('planted')
})

test('the loaded settings print no secret', () => {
  const printed = `${inspect(settings, { depth: 20, showHidden: true })} ${JSON.stringify(settings)}`
  expect(printed.replaceAll('planted-certificate', '')).not.toContain('planted')
})

test('every setting whose last word is password, user, key or secret is a secret', () => {
  const isSecret = (name: string) => /^(password|user|username|key|secret)$/i.test(lastWord(name))
  const found = settingList().filter(({ path }) => isSecret(path.at(-1) ?? ''))
  expect(found.length).toBeGreaterThan(4)
  expect(found.filter(({ kind }) => kind !== 'secret')).toEqual([])
  expect(['hmacKey', 'userAgent', 'clientSecret'].map(isSecret)).toEqual([true, false, true])
})

const lastWord = (name: string) => name.split(/(?=[A-Z])/).at(-1) ?? ''
